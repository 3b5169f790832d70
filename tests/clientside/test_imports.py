"""Imports from real registries, running and from what they stored, as people type them."""

import asyncio
import io
import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from orlop.adapters.layout.repository import open_folder
from orlop.bootstrap.commands.clients import ManagementServers
from orlop.bootstrap.commands.importing import Imports
from orlop.domain.errors import ManifestUnknown, NameUnknown
from orlop.domain.names import RepositoryName
from orlop.faces.cli.app import build, invoke
from orlop.faces.cli.importing.commands import register
from orlop.faces.cli.running import INTERRUPTED
from tests import content
from tests.clientside import peers
from tests.clientside.clients import client, manifest_of, push, read_all
from tests.needs import find
from tests.servers import ORLOP
from tests.serving import eventually

pytestmark = pytest.mark.slow  # other registries are started

IMAGE = content.platform_index("imported")
SBOM = content.artifact("imported-sbom", subject=IMAGE)
SIGNED = content.artifact("imported-signature", subject=IMAGE.children[0], artifact_type="application/vnd.example.sig")
PLAIN = content.image("imported-plain")
LOOSE = content.image("imported-loose")


class Done(NamedTuple):
    """What a command said, and how it ended."""

    code: int
    stdout: str
    stderr: str


class Old(NamedTuple):
    """A registry that is left, with content in it."""

    host: str
    store: Path
    system: str


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody has signed in anywhere, and there is no proxy."""
    for name in ("REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("DOCKER_CONFIG", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, "/nonexistent")


def orlop(*arguments: str, code: int = 0) -> Done:
    """Run a command in this process, and check its exit code."""
    root = build()
    register(root, Imports(), ManagementServers())
    output, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(output), redirect_stderr(errors):
        exited = invoke(root, ["import", *arguments])
    assert exited == code, output.getvalue() + errors.getvalue()
    return Done(exited, output.getvalue(), errors.getvalue())


SYSTEMS = ["distribution", "distribution-3", *(["zot"] if find("zot") else [])]


@pytest.fixture(scope="module", params=SYSTEMS)
def old(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Old]:
    """Each registry that can be had, with an image for two platforms, what refers to it, and a plain one."""
    folder = tmp_path_factory.mktemp(request.param)
    opened = {
        "distribution": lambda: peers.distribution(folder),
        "distribution-3": lambda: peers.distribution(folder, "registry"),
        "zot": lambda: peers.zot(folder),
    }[request.param]
    with opened() as host:
        asyncio.run(_fill(host))
        yield Old(host, folder / "store", request.param.partition("-")[0])


async def _fill(host: str) -> None:
    async with client() as registries:
        app = await registries.repository(host, RepositoryName("team/app"), writing=True)
        await push(app, IMAGE, "1.0", "latest")
        await push(app, SBOM)
        await push(app, SIGNED)
        await push(app, PLAIN, "plain")
        other = await registries.repository(host, RepositoryName("other"), writing=True)
        await push(other, PLAIN, "1")
        await push(other, LOOSE)


async def _check(host: str, into: str) -> None:
    """Everything is there as it was made, and nothing else has a name."""
    async with client() as registries:
        app = await registries.repository(host, RepositoryName(f"{into}/team/app"))
        for tag, what in (("1.0", IMAGE), ("latest", IMAGE), ("plain", PLAIN)):
            assert (await app.resolve(tag)).digest == what.digest
        names = {tag async for tag in app.tags() if not tag.startswith("sha256-")}
        assert names == {"1.0", "latest", "plain"}
        assert [each.digest async for each in app.referrers(IMAGE.digest)] == [SBOM.digest]
        assert [each.digest async for each in app.referrers(IMAGE.children[0].digest)] == [SIGNED.digest]
        for item in (*IMAGE.everything(), SBOM, SIGNED, PLAIN):
            assert await app.fetch(item.digest) == manifest_of(item.piece)
            for piece in item.blobs:
                assert await read_all(app, piece.digest, piece.size) == piece.content
        other = await registries.repository(host, RepositoryName(f"{into}/other"))
        assert (await other.resolve("1")).digest == PLAIN.digest


def _report(*arguments: str, code: int = 0) -> Any:
    return json.loads(orlop(*arguments, "--json", code=code).stdout)


@pytest.mark.parametrize("way", ["running", "stored"])
def test_what_another_registry_holds_is_here_to_the_byte(old: Old, orlop_peer: str, way: str) -> None:
    place = old.host if way == "running" else str(old.store)
    into = f"from-{old.store.parent.name}-{way}"
    arguments = [old.system, place, "--into", f"{into}/", "--server", orlop_peer]
    first = _report(*arguments)
    assert first["failures"] == []
    assert first["repositories"] == 2
    asyncio.run(_check(orlop_peer, into))
    again = _report(*arguments)
    assert (again["brought"], again["copied_bytes"]) == (0, 0)
    assert again["present"] == first["brought"] + first["present"]


def test_nothing_is_written_where_somebody_only_looks(old: Old, orlop_peer: str) -> None:
    into = f"dry-{old.store.parent.name}"
    before = sorted((path, path.stat().st_mtime_ns) for path in old.store.rglob("*"))
    said = _report(old.system, str(old.store), "--into", into, "--server", orlop_peer, "--dry-run")
    assert said["brought"] >= 4
    assert said["copied_bytes"] == 0
    assert sorted((path, path.stat().st_mtime_ns) for path in old.store.rglob("*")) == before

    async def absent() -> None:
        async with client() as registries:
            app = await registries.repository(orlop_peer, RepositoryName(f"{into}/team/app"))
            with pytest.raises(NameUnknown):
                [tag async for tag in app.tags()]

    asyncio.run(absent())


def test_what_no_tag_leads_to_comes_where_it_is_asked_for(old: Old, orlop_peer: str) -> None:
    into = f"untagged-{old.store.parent.name}"
    orlop(old.system, str(old.store), "--into", into, "--server", orlop_peer, "--untagged", "--only", "other")

    async def there() -> None:
        async with client() as registries:
            other = await registries.repository(orlop_peer, RepositoryName(f"{into}/other"))
            assert (await other.resolve(LOOSE.digest)).digest == LOOSE.digest

    asyncio.run(there())
    refused = orlop(old.system, old.host, "--into", into, "--server", orlop_peer, "--untagged", code=1)
    assert "name its storage instead" in refused.stdout


def test_a_plan_is_read_and_changed_before_it_is_done(old: Old, orlop_peer: str, tmp_path: Path) -> None:
    into, plan = f"planned-{old.store.parent.name}", tmp_path / "plan.yaml"
    said = orlop(old.system, str(old.store), "--into", into, "--plan", str(plan)).stdout
    assert "2 repositories" in said
    assert f"orlop import apply {plan}" in said
    document = yaml.safe_load(plan.read_text())
    assert {each["from"]: each["to"] for each in document["repositories"]} == {
        "other": f"{into}/other",
        "team/app": f"{into}/team/app",
    }
    for each in document["repositories"]:
        if each["from"] == "other":
            each["skip"] = True
        else:
            each["to"] = f"{into}/renamed"
    plan.write_text(yaml.safe_dump(document))
    report = tmp_path / "report.json"
    orlop("apply", str(plan), "--server", orlop_peer, "--report", str(report))
    assert json.loads(report.read_text())["repositories"] == 1

    async def renamed() -> None:
        async with client() as registries:
            app = await registries.repository(orlop_peer, RepositoryName(f"{into}/renamed"))
            assert (await app.resolve("1.0")).digest == IMAGE.digest

    asyncio.run(renamed())
    over = orlop("cut-over", str(plan), "--server", orlop_peer)
    assert f"{old.store} is not needed any more" in over.stderr


def test_one_broken_tag_stops_no_other_and_is_named(tmp_path: Path, orlop_peer: str) -> None:
    with peers.distribution(tmp_path) as host:

        async def fill() -> None:
            async with client() as registries:
                app = await registries.repository(host, RepositoryName("many/tags"), writing=True)
                for number in range(157):
                    await push(app, content.image(f"one-{number}"), f"v{number}")

        asyncio.run(fill())
    broken = content.image("one-77").digest
    (tmp_path / "store/docker/registry/v2/blobs/sha256" / broken.hex[:2] / broken.hex / "data").unlink()
    rotten = content.config("one-78").digest
    (tmp_path / "store/docker/registry/v2/blobs/sha256" / rotten.hex[:2] / rotten.hex / "data").write_bytes(b"other")
    arguments = ["distribution", str(tmp_path / "store"), "--into", "broken", "--server", orlop_peer]
    report = _report(*arguments, code=1)
    assert report["brought"] == 155
    failed = {each["reference"]: each["message"] for each in report["failures"]}
    assert set(failed) == {"v77", "v78"}
    assert str(broken) in failed["v77"]
    assert "not in the storage" in failed["v77"]
    assert str(rotten) in failed["v78"]

    async def half() -> None:
        async with client() as registries:
            app = await registries.repository(orlop_peer, RepositoryName("broken/many/tags"))
            assert len([tag async for tag in app.tags()]) == 155

    asyncio.run(half())


def test_names_that_differ_in_case_alone_stay_two_repositories(tmp_path: Path, orlop_peer: str) -> None:
    with peers.distribution(tmp_path) as host:

        async def fill() -> None:
            async with client() as registries:
                for name, what in (("team/app", PLAIN), ("team/other", LOOSE)):
                    repository = await registries.repository(host, RepositoryName(name), writing=True)
                    await push(repository, what, "1")

        asyncio.run(fill())
    repositories = tmp_path / "store/docker/registry/v2/repositories"
    shutil.move(repositories / "team/other", repositories / "team/App")
    plan = tmp_path / "plan.yaml"
    said = orlop("distribution", str(tmp_path / "store"), "--into", "cases", "--plan", str(plan)).stdout
    assert "team/App" in said
    assert "cases/team/app-2" in said
    orlop("apply", str(plan), "--server", orlop_peer)

    async def both() -> None:
        async with client() as registries:
            for name, what in (("cases/team/app", PLAIN), ("cases/team/app-2", LOOSE)):
                repository = await registries.repository(orlop_peer, RepositoryName(name))
                assert (await repository.resolve("1")).digest == what.digest

    asyncio.run(both())


def test_the_storage_of_zot_is_read_without_zot(tmp_path: Path, orlop_peer: str) -> None:
    store = tmp_path / "zot"

    async def fill() -> None:
        for name, everything in (("team/app", [(IMAGE, "1.0"), (SBOM, "")]), ("copy", [(IMAGE, "2")])):
            (store / name).mkdir(parents=True)
            async with open_folder(store / name, writing=True) as layout:
                for what, tag in everything:
                    await push(layout, what, *filter(None, [tag]))

    asyncio.run(fill())
    # As it lies in a bucket: a blob that another repository has is empty.
    for piece in PLAIN.blobs + IMAGE.children[0].blobs:
        if (other := store / "copy/blobs" / piece.digest.algorithm / piece.digest.hex).exists():
            other.write_bytes(b"")
    (store / "_trivy").mkdir()
    report = _report("zot", str(store), "--into", "from-zot", "--server", orlop_peer)
    assert (report["repositories"], report["brought"], report["failures"]) == (2, 2, [])

    async def there() -> None:
        async with client() as registries:
            app = await registries.repository(orlop_peer, RepositoryName("from-zot/team/app"))
            assert [each.digest async for each in app.referrers(IMAGE.digest)] == [SBOM.digest]
            other = await registries.repository(orlop_peer, RepositoryName("from-zot/copy"))
            assert (await other.resolve("2")).digest == IMAGE.digest
            for piece in IMAGE.children[0].blobs:
                assert await read_all(other, piece.digest, piece.size) == piece.content

    asyncio.run(there())


def test_an_import_that_follows_brings_what_is_pushed_meanwhile(tmp_path: Path, orlop_peer: str) -> None:
    plan, later = tmp_path / "plan.yaml", content.image("pushed-later")
    with peers.distribution(tmp_path) as host:

        async def pushed(what: content.Pushable, tag: str) -> None:
            async with client() as registries:
                app = await registries.repository(host, RepositoryName("app"), writing=True)
                await push(app, what, tag)

        async def arrived(tag: str) -> bool:
            async with client() as registries:
                app = await registries.repository(orlop_peer, RepositoryName("followed/app"))
                try:
                    return bool((await app.resolve(tag)).digest)
                except (ManifestUnknown, NameUnknown):
                    return False

        asyncio.run(pushed(PLAIN, "1"))
        orlop("distribution", host, "--into", "followed", "--plan", str(plan))
        command = [*ORLOP, "import", "apply", str(plan), "--follow", "--every", "1s", "--server", orlop_peer]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as following:
            try:
                eventually("what was there came", lambda: asyncio.run(arrived("1")))
                asyncio.run(pushed(later, "2"))
                eventually("what was pushed came", lambda: asyncio.run(arrived("2")))
            finally:
                following.send_signal(signal.SIGINT)
                said = following.communicate(timeout=30)[0]
        assert "1 tag brought" in said
        assert following.returncode == INTERRUPTED
        over = orlop("cut-over", str(plan), "--server", orlop_peer)
    assert "0 tags brought (0 B), 2 here already" in over.stdout


def test_an_import_that_was_killed_goes_on(tmp_path: Path, orlop_peer: str) -> None:
    images = [content.image(f"kill-{number}", layers=[f"layer-{number}", "kill-shared"]) for number in range(60)]
    with peers.distribution(tmp_path) as host:

        async def fill() -> None:
            async with client() as registries:
                app = await registries.repository(host, RepositoryName("app"), writing=True)
                for number, what in enumerate(images):
                    await push(app, what, f"v{number:02}")

        asyncio.run(fill())
    arguments = ["distribution", str(tmp_path / "store"), "--into", "killed", "--server", orlop_peer, "--jobs", "1"]

    async def tags() -> list[str]:
        async with client() as registries:
            app = await registries.repository(orlop_peer, RepositoryName("killed/app"))
            try:
                return [tag async for tag in app.tags()]
            except NameUnknown:
                return []

    with subprocess.Popen([*ORLOP, "import", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        eventually("a tag came", lambda: bool(asyncio.run(tags())))
        run.kill()
    before = asyncio.run(tags())
    assert len(before) < len(images), "it was killed too late to show anything"
    report = _report(*arguments)
    assert report["present"] + report["brought"] == len(images)
    assert report["present"] >= len(before)

    async def equal() -> None:
        async with client() as registries:
            app = await registries.repository(orlop_peer, RepositoryName("killed/app"))
            for number, what in enumerate(images):
                assert (await app.resolve(f"v{number:02}")).digest == what.digest

    asyncio.run(equal())


def test_what_cannot_be_an_import_is_said(tmp_path: Path, orlop_peer: str) -> None:
    (tmp_path / "empty").mkdir()
    nothing = orlop("distribution", str(tmp_path / "empty"), "--server", orlop_peer, code=1)
    assert "is no storage of distribution" in nothing.stderr
    assert "is no storage of zot" in orlop("zot", str(tmp_path / "empty"), "--server", orlop_peer, code=1).stderr
    assert "nobody is signed in" in orlop("distribution", str(tmp_path / "empty"), code=2).stderr
    assert "neither a folder nor a registry" in orlop("zot", "Not/There", code=2).stderr
    plan = tmp_path / "plan.yaml"
    for text, what in (
        ("a: [", "is not valid YAML"),
        ("kind: user", "this is no plan of an import"),
        ("orlop_import: 7", "only 1 is known"),
        ("orlop_import: 1\nsource: {system: zot, at: /x}\nrepositores: []", "the nearest known one is repositories"),
        (
            "orlop_import: 1\nsource: {system: zot, at: /x}\nrepositories: [{from: a, to: b}, {from: c, to: b}]",
            "c and a would both be b",
        ),
        ("orlop_import: 1\nsource: {system: zot, at: /x}\nrepositories: [{from: a, to: B}]", "cannot be its name"),
    ):
        plan.write_text(text)
        assert what in orlop("apply", str(plan), "--server", orlop_peer, code=2).stderr
