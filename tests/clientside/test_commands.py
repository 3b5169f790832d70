"""The content commands as people run them, against Orlop itself, and their output read by other tools."""

import asyncio
import io
import itertools
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from orlop.adapters.layout.repository import open_folder
from orlop.bootstrap.commands.clients import ContentClients, ManagementServers
from orlop.faces.cli.app import build, invoke
from orlop.faces.cli.content.commands import register
from tests import content
from tests.clientside.clients import push
from tests.needs import need

pytestmark = pytest.mark.slow  # a process for each step


class Done(NamedTuple):
    """What a command printed."""

    stdout: str
    stderr: str


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has signed in anywhere, and there is no proxy."""
    for name in ("REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("DOCKER_CONFIG", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, "/nonexistent")


def orlop(*arguments: str, code: int = 0) -> Done:
    """Run a command and check its exit code: in this process, because a start takes longer than most commands."""
    root = build()
    register(root, ContentClients(), ManagementServers())
    output, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(output), redirect_stderr(errors):
        exited = invoke(root, arguments)
    assert exited == code, errors.getvalue()
    return Done(output.getvalue(), errors.getvalue())


def orlop_json(*arguments: str) -> Any:
    """What a command prints with --json."""
    return json.loads(orlop(*arguments, "--json").stdout)


def layout_with(folder: Path, what: content.Pushable, *referrers: content.Pushable) -> Path:
    """A layout that holds an image as `v1`, and what refers to it."""

    async def write() -> None:
        async with open_folder(folder, writing=True) as layout:
            await push(layout, what, "v1")
            for referrer in referrers:
                await push(layout, referrer)

    asyncio.run(write())
    return folder


def test_an_image_travels_everywhere_and_stays_the_same(
    orlop_peer: str, distribution_peer: str, tmp_path: Path
) -> None:
    index = content.platform_index()
    image = index.children[0]
    sbom = content.artifact("sbom", subject=index)
    source = layout_with(tmp_path / "source", index, sbom)
    stations = [
        f"oci:{source}:v1",
        f"{distribution_peer}/journey:v1",
        f"{orlop_peer}/journey/one:v1",
        f"{orlop_peer}/journey/two:v1",
        f"oci-archive:{tmp_path}/a.tar:v1",
        f"oci:{tmp_path}/end:v1",
    ]
    for here, there in itertools.pairwise(stations):
        report = orlop_json("cp", here, there, "--referrers")
        assert report["digest"] == index.digest
        assert sbom.digest in report["manifests"]
        assert orlop("digest", there).stdout.strip() == index.digest
    mounted = orlop_json("cp", stations[2], f"{orlop_peer}/journey/three:v1")
    assert set(mounted["blobs"].values()) == {"mounted"}
    assert mounted["copiedBytes"] == 0

    orlop("cp", stations[-1], f"docker-archive:{tmp_path}/d.tar:app:v1", "--platform", "linux/amd64")
    assert orlop("digest", f"docker-archive:{tmp_path}/d.tar").stdout.strip() == image.digest
    shown = orlop_json("inspect", stations[-1])
    assert [entry["platform"] for entry in shown["platforms"]] == ["linux/amd64", "linux/arm64"]
    assert [entry["digest"] for entry in shown["referrers"]] == [sbom.digest]
    assert shown["manifest"] == json.loads(index.content)
    text = orlop("inspect", stations[2]).stdout
    assert index.digest in text
    assert "linux/arm64" in text


def test_tags_are_listed_set_and_removed(orlop_peer: str, tmp_path: Path) -> None:
    image = content.image("tagged")
    repository = f"{orlop_peer}/cli/tags"
    source = layout_with(tmp_path / "source", image)
    done = orlop("cp", f"oci:{source}", repository)
    assert "latest (tag implied)" in done.stderr
    assert image.digest in done.stdout
    orlop("tag", repository, "v1", "v2")
    assert orlop("ls", repository).stdout.split() == ["latest", "v1", "v2"]
    assert orlop_json("ls", repository) == ["latest", "v1", "v2"]
    assert "cli/tags" in orlop("ls", orlop_peer).stdout.split()
    assert "write out the tag" in orlop("rm", repository, code=2).stderr
    assert orlop_json("rm", f"{repository}:v1") == {"removed": "v1", "kind": "tag"}
    assert orlop("ls", repository).stdout.split() == ["latest", "v2"]
    assert "--yes" in orlop("rm", f"{repository}@{image.digest}", code=2).stderr
    orlop("rm", f"{repository}@{image.digest}", "--yes")
    assert "MANIFEST" not in orlop("digest", f"{repository}:v2", code=1).stderr


def one_sentence(text: str) -> str:
    """The last line of standard error, which must be all there is of a failure."""
    lines = [line for line in text.splitlines() if not line.startswith("using ")]
    assert len(lines) == 1, text
    assert lines[0].startswith("orlop: ")
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["digest", "Bad Name"], 2, "repository name"),
        (["digest", "app@sha256:xyz"], 2, "sha256"),
        (["digest", "oci:"], 2, "path"),
        (["digest", "oci:/nonexistent/layout:v1"], 1, "not an OCI image layout"),
        (["digest", "oci-archive:/nonexistent.tar"], 1, "cannot be opened"),
        (["digest", "docker-archive:/dev/null"], 1, "tar archive"),
        (["ls", "docker.io/library/app:v1"], 2, "without tag"),
        (["tag", "oci:/nonexistent:v1"], 2, "at least one tag"),
        (["tag", "127.0.0.1:1/app:v1", "-bad"], 2, ""),
        (["tag", "127.0.0.1:1/app:v1", ".bad"], 2, "a tag is"),
        (["tag", "docker-archive:/x.tar", "v1"], 2, "archive"),
        (["cp", "oci:/a:b", "oci:/a:c"], 2, "same folder"),
        (["cp", "oci:/a:b", "oci:/b:c", "--jobs", "0"], 2, "--jobs"),
        (["cp", "oci:/a:b", "oci:/b:c", "--platform", "linux"], 2, "os/architecture"),
        (["cp", "oci:/a:b", "docker-archive:/b:c", "--referrers"], 2, "referrers"),
        (["cp", "oci:/nonexistent:b", "oci:/nonexistent2:c"], 1, "not an OCI image layout"),
        (["cp", "127.0.0.1:1/app:v1", "oci:/nonexistent:c"], 1, "cannot be reached"),
        (["cp", "oci:/a"], 2, ""),
        (["ls", "host:0/app"], 2, "host:port"),
    ],
)
def test_what_goes_wrong_is_said_in_one_sentence(arguments: list[str], code: int, says: str) -> None:
    done = orlop(*arguments, code=code)
    assert says in one_sentence(done.stderr)
    assert done.stdout == ""


def test_what_cannot_be_copied_makes_nothing(orlop_peer: str, tmp_path: Path) -> None:
    source = layout_with(tmp_path / "source", content.platform_index())
    target = tmp_path / "target"
    said = orlop("cp", f"oci:{source}:v1", f"docker-archive:{target}:app", code=2).stderr
    assert "--platform" in said
    other = content.image("other").digest
    orlop("cp", f"oci:{source}:v1", f"{orlop_peer}/cli/none@{other}", code=2)
    orlop("cp", f"oci:{source}:absent", f"oci:{target}", code=1)
    orlop("cp", f"oci:{source}:v1", f"oci:{target}", "--platform", "plan9/mips", code=1)
    assert not (target / "index.json").exists()
    assert not list(tmp_path.glob("*.tar"))


def test_a_docker_archive_has_every_layer_or_is_not_written(tmp_path: Path) -> None:
    layer = content.blob("foreign")
    source = layout_with(tmp_path / "source", content.image("windows", layers=["base"], foreign=["foreign"]))
    target = tmp_path / "a.tar"
    said = orlop("cp", f"oci:{source}:v1", f"docker-archive:{target}:app", code=1).stderr
    assert f"{layer.digest} is not to be distributed" in one_sentence(said)
    assert not target.exists()
    (source / "blobs" / "sha256" / layer.digest.hex).write_bytes(layer.content)
    report = orlop_json("cp", f"oci:{source}:v1", f"docker-archive:{target}:app")
    assert report["blobs"][layer.digest] == "copied"
    assert layer.digest in [each["digest"] for each in orlop_json("inspect", f"docker-archive:{target}")["layers"]]


def test_help_starts_without_what_only_copies_need() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "orlop", "cp", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "cyclopts" in loaded
    assert "aiohttp" not in loaded
    assert "orlop.adapters.upstream.client" not in loaded
    assert "--referrers" in done.stdout


def skopeo(*arguments: str) -> str:
    """Run skopeo, as far from the machine's own configuration as it goes."""
    command = [need("skopeo")["skopeo"], "--insecure-policy", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


@pytest.fixture
def real_image(tmp_path: Path) -> Path:
    """A layout with an image whose layers are real tars, made by another tool."""
    umoci = need("umoci")["umoci"]
    layout, root = tmp_path / "made", tmp_path / "root"
    root.mkdir()
    (root / "large").write_bytes(os.urandom(700_000))
    (root / "small").write_text("hello")
    for arguments in (
        ["init", "--layout", layout],
        ["new", "--image", f"{layout}:v1"],
        ["insert", "--image", f"{layout}:v1", root / "large", "/large"],
        ["insert", "--image", f"{layout}:v1", root / "small", "/small"],
    ):
        subprocess.run([umoci, *map(str, arguments)], check=True, timeout=60, capture_output=True)
    return layout


def test_other_tools_read_what_is_written(real_image: Path, orlop_peer: str, tmp_path: Path) -> None:
    digest = orlop("digest", f"oci:{real_image}:v1").stdout.strip()
    written = {
        f"oci:{tmp_path}/copy:v1": digest,
        f"oci-archive:{tmp_path}/copy.tar:v1": digest,
        f"docker-archive:{tmp_path}/docker.tar:app:v1": None,
        f"{orlop_peer}/interop/real:v1": digest,
    }
    layers = None
    for location, expected in written.items():
        orlop("cp", f"oci:{real_image}:v1", location)
        name = location if location.startswith(("oci", "docker")) else f"docker://{location}"
        tls = ["--tls-verify=false"] if name.startswith("docker://") else []
        shown = json.loads(skopeo("inspect", *tls, name))
        if expected is not None:
            assert shown["Digest"] == expected
            layers = shown["Layers"]
        # A copy makes skopeo read, unpack and check every layer.
        skopeo("copy", *[f"--src{flag[1:]}" for flag in tls], name, f"dir:{tmp_path}/{len(list(tmp_path.iterdir()))}")
    assert layers is not None
    assert len(layers) == 2


def test_what_other_tools_write_is_read(real_image: Path, orlop_peer: str, tmp_path: Path) -> None:
    digest = orlop("digest", f"oci:{real_image}:v1").stdout.strip()
    config = orlop_json("inspect", f"oci:{real_image}:v1")["config"]
    skopeo("copy", f"oci:{real_image}:v1", f"oci-archive:{tmp_path}/s.tar:name:with:colons")
    skopeo("copy", f"oci:{real_image}:v1", f"docker-archive:{tmp_path}/d.tar:team/app:v2")
    skopeo("copy", "--dest-tls-verify=false", "--format=v2s2", f"oci:{real_image}:v1", f"docker://{orlop_peer}/s:v2s2")

    assert orlop("digest", f"oci-archive:{tmp_path}/s.tar:name:with:colons").stdout.strip() == digest
    assert orlop("ls", f"docker-archive:{tmp_path}/d.tar").stdout.split() == ["docker.io/team/app:v2"]
    for number, location in enumerate(
        (f"oci-archive:{tmp_path}/s.tar", f"docker-archive:{tmp_path}/d.tar:team/app:v2", f"{orlop_peer}/s:v2s2")
    ):
        target = f"oci:{tmp_path}/read{number}:v1"
        orlop("cp", location, target)
        shown = orlop_json("inspect", target)
        assert shown["config"]["rootfs"] == config["rootfs"]
        if number < 2:  # skopeo takes no docker manifests in a layout
            skopeo("copy", target, f"dir:{tmp_path}/dir{number}")
    assert shown["mediaType"] == "application/vnd.docker.distribution.manifest.v2+json", "kept as it is"


@pytest.mark.parametrize("command", [("ls", "team/app"), ("rm", "team/app:v1")])
def test_a_registry_that_nobody_wrote_is_told(command: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")  # where nobody listens
    assert "using docker.io/team/app (registry implied)" in orlop(*command, code=1).stderr


@pytest.mark.parametrize(
    ("config", "lines"),
    [
        ({"os": "", "architecture": "", "created": "0001-01-01T00:00:00Z"}, []),
        ({"os": None, "architecture": 7}, ["Platform:    unknown/7"]),
        ({"os": "linux", "architecture": "arm", "variant": "v7"}, ["Platform:    linux/arm/v7"]),
        (
            {"os": "linux", "created": "2026-03-14T09:26:53Z"},
            ["Platform:    linux/unknown", "Created:     2026-03-14T09:26:53Z"],
        ),
    ],
)
def test_what_a_config_does_not_know_is_not_shown(config: dict[str, Any], lines: list[str], tmp_path: Path) -> None:
    piece = content.Piece("config", "application/vnd.oci.image.config.v1+json", json.dumps(config).encode())
    image = content.stating("image", [piece.descriptor()], [piece])
    shown = orlop("inspect", f"oci:{layout_with(tmp_path / 'layout', image)}:v1").stdout.splitlines()
    assert [line for line in shown if line.startswith(("Platform:", "Created:"))] == lines
