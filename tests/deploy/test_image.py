"""The container image: what is in it and who it runs as, what is attached to it, that it serves on a read-only root for
somebody without rights under podman and under the Docker Engine, and that two builds are one."""

import gzip
import io
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from orlop import __version__
from tests.clients import daemons
from tests.clients.programs import Station
from tests.deploy.images import Built, build, nobody, push_and_pull
from tests.deploy.pythons import ROOT
from tests.needs import lack, need
from tests.servers import free_port
from tests.serving import eventually, ready
from tests.volume import LONG

pytestmark = [pytest.mark.slow, pytest.mark.early]

_NAME = f"orlop:{'.'.join(__version__.split('.')[:2])}"
_LOADED = """
import ctypes, pathlib
found = [each for each in pathlib.Path("/usr/local/lib").rglob("*.so")]
for each in found: ctypes.CDLL(str(each))
assert len(found) > 20, found
"""
_PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def built(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """The image of this checkout."""
    folder = tmp_path_factory.mktemp("image")
    yield build(wheel, folder)
    shutil.rmtree(folder)


def test_it_runs_as_nobody_and_is_small(built: Built) -> None:
    manifest, config = built.image()
    said = config["config"]
    assert (said["User"], said["Entrypoint"], said["Cmd"]) == ("65532:65532", ["/usr/bin/orlop"], ["serve"])
    assert said["Volumes"] == {"/data": {}}
    assert said["Labels"]["org.opencontainers.image.version"] == __version__
    assert "created" in config
    # What a client pulls; the image that is published is packed better than this one.
    assert sum(each["size"] for each in manifest["layers"]) < 120e6


def test_nothing_in_it_is_of_the_moment_or_of_this_machine(built: Built) -> None:
    manifest, _ = built.image()
    names: list[str] = []
    for layer in manifest["layers"]:
        plain = gzip.decompress(built.blob(layer["digest"]).read_bytes())
        assert str(ROOT).encode() not in plain
        with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
            members = archive.getmembers()
            assert [each.name for each in members] == sorted(each.name for each in members)
            assert {each.mtime for each in members} == {0}
            assert {each.uid for each in members} <= {0, 65532}
            assert not [each.name for each in members if each.isfile() and each.mode & 0o6002]
            for each in members:
                if each.name.endswith(".pyc") and "/orlop/" in each.name:
                    held = archive.extractfile(each)
                    assert held is not None
                    # PEP 552: 1 is a hash that is not compared with the source.
                    assert held.read(8)[4:] == b"\x01\0\0\0", each.name
        names += [each.name for each in members]
    compiled = {name for name in names if name.endswith(".pyc")}
    sources = [name for name in names if name.startswith("usr/local/lib/") and name.endswith(".py")]
    missing = [
        name for name in sources if re.sub(r"([^/]+)\.py$", r"__pycache__/\1.cpython-313.pyc", name) not in compiled
    ]
    assert not [name for name in missing if "/orlop/" in name]
    assert not [
        name for name in names if name in {"bin/sh", "usr/bin/sh", "usr/bin/apt", "usr/bin/dpkg", "usr/bin/pip"}
    ]


def test_an_sbom_and_a_provenance_are_attached(built: Built) -> None:
    referrers = {each["artifactType"]: built.document(each["digest"]) for each in built.index()["manifests"][1:]}
    assert set(referrers) == {"application/vnd.cyclonedx+json", "application/vnd.in-toto+json"}
    bill, statement = (
        built.document(referrers[kind]["layers"][0]["digest"])
        for kind in ("application/vnd.cyclonedx+json", "application/vnd.in-toto+json")
    )
    urls = [str(each.get("purl", "")).partition("?")[0] for each in bill["components"]]
    assert any(url.startswith("pkg:deb/debian/libc6@") for url in urls)
    assert f"pkg:pypi/orlop@{__version__}" in urls
    assert any(url.startswith("pkg:pypi/msgspec@") for url in urls)

    subjects = {each["digest"]["sha256"] for each in statement["subject"]}
    assert {f"sha256:{digest}" for digest in subjects} == {each["subject"]["digest"] for each in referrers.values()}
    definition = statement["predicate"]["buildDefinition"]
    debs = [each["uri"] for each in definition["resolvedDependencies"] if each.get("uri", "").startswith("pkg:deb/")]
    listed = {url.partition("@")[0] for url in urls if url.startswith("pkg:deb/")}
    assert {url.partition("@")[0] for url in debs} == listed


def test_podman_runs_it_for_nobody_on_a_read_only_root(built: Built, tmp_path: Path) -> None:
    station = Station(tmp_path)
    port = free_port()
    with nobody() as podman:
        podman.run("load", "--quiet", given=built.archive)
        limits = ("--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096")
        command = podman.command(
            *("run", "--rm", "--name=orlop", "--network=host", "--read-only", "--read-only-tmpfs=false", *limits),
            *("--env", f"ORLOP_LISTEN=127.0.0.1:{port}", "--volume=orlop:/data", f"localhost/{_NAME}"),
        )
        log = tmp_path / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(command, env=podman.environment(), stdout=output, stderr=output)
        try:
            # What it says passes through podman, and may come after the port is open.
            eventually("it says how to sign in", lambda: _sign_in(log) is not None or _alive(process, log))
            eventually("it serves", lambda: ready(port) or _alive(process, log))
            said = _sign_in(log)
            assert said
            push_and_pull(station, f"127.0.0.1:{port}", said[1])
        finally:
            process.terminate()  # podman hands it on
            assert process.wait(60) == 0, log.read_text()


def test_docker_runs_it_on_a_read_only_root(built: Built, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        lack("only root runs containers with daemons of its own")
    need("dockerd", "containerd", "docker", "crane")
    port = free_port()
    with tempfile.TemporaryDirectory(dir="/var/tmp", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for each in ("c", "d"):
            (folder / each).mkdir()
        with (
            daemons.containerd(folder / "c") as containerd,
            daemons.dockerd(folder / "d", containerd, "http://127.0.0.1:1") as socket,
        ):
            station = Station(tmp_path)

            def docker(*arguments: str) -> str:
                return station.said("docker", "-H", f"unix://{socket}", *arguments)

            docker("load", "--input", str(built.archive))
            docker(
                *("run", "--detach", "--name=orlop", "--network=host", "--read-only", "--cap-drop=ALL"),
                *("--security-opt=no-new-privileges", "--health-interval=1s", "--volume=orlop:/data"),
                *("--env", f"ORLOP_LISTEN=127.0.0.1:{port}", "--env", f"ORLOP_ADMIN_PASSWORD={_PASSWORD}", _NAME),
            )
            state = "{{.State.Status}} {{.State.Health.Status}}"
            eventually("it is healthy", lambda: docker("inspect", "--format", state, "orlop") == "running healthy")
            assert f"docker login localhost:{port} -u admin" in docker("logs", "orlop")
            digest = push_and_pull(station, f"127.0.0.1:{port}", _PASSWORD)

            docker("kill", "--signal=KILL", "orlop")
            docker("start", "orlop")
            eventually("it serves again", lambda: ready(port))
            assert station.text("crane", "digest", f"127.0.0.1:{port}/team/app:1") == digest
            # Every library that a package brings finds those that it needs.
            docker("exec", "orlop", "/usr/bin/python3", "-c", _LOADED)
            docker("exec", "orlop", "/usr/bin/orlop", "version")
            docker("rm", "--force", "orlop")


@pytest.mark.skipif(not LONG, reason="it takes a minute: make test-long")
def test_two_builds_are_one(wheel: Path, built: Built, tmp_path: Path) -> None:
    again = build(wheel, tmp_path / "again")
    assert (again.layout / "index.json").read_bytes() == (built.layout / "index.json").read_bytes()
    assert again.archive.read_bytes() == built.archive.read_bytes()


def _sign_in(log: Path) -> "re.Match[str] | None":
    """How to sign in, once the first start has said so: its first group is the password."""
    return re.search(r"its password is (\S+?)[:,\s].*docker login (\S+) -u admin", log.read_text(), re.DOTALL)


def _alive(process: "subprocess.Popen[bytes]", log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    return False
