"""What the clients' tests share: one server, images, and a folder of its own for every test's programs."""

import fcntl
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clients import daemons
from tests.clients.layouts import Layout, packed, program_layers
from tests.clients.programs import Station
from tests.needs import lack, need
from tests.servers import OrlopServer, orlop_server

#: Of the administrator of a server that lets nobody else in.
PASSWORD = "a phrase for the tests"

#: Room that a system takes while it is built, in bytes.
_BUILD_ROOM = 2 << 30


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Path]]:
    """Makes a folder of that name, gone when all tests are done: what lies there is too large to be kept."""
    folder = tmp_path_factory.mktemp("scratch")

    def make(name: str) -> Path:
        made = folder / name
        made.mkdir()
        return made

    yield make
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def server(scratch: Callable[[str], Path]) -> Iterator[OrlopServer]:
    """The server that all clients talk to, each in repositories of its own; it has to verify when they are done."""
    with orlop_server(scratch("orlop"), workers=2) as server:
        yield server
        server.verify()


@pytest.fixture(scope="session")
def private(scratch: Callable[[str], Path]) -> Iterator[OrlopServer]:
    """A server that knows one administrator, and lets nobody else in."""
    with orlop_server(scratch("private"), open=False, admin_password=PASSWORD, workers=2) as server:
        yield server
        server.verify()


@pytest.fixture
def station(tmp_path: Path) -> Station:
    """Where this test runs its programs."""
    return Station(tmp_path)


@pytest.fixture(scope="session")
def platforms(scratch: Callable[[str], Path]) -> Path:
    """An OCI layout with the entry `multi`: an index of two small images that share layers."""
    layout = Layout(scratch("platforms") / "layout")
    images = [layout.image(program_layers(architecture), architecture) for architecture in ("amd64", "arm64")]
    layout.tag(layout.index(images), "multi")
    return layout.folder


@pytest.fixture(scope="session")
def single(scratch: Callable[[str], Path]) -> Path:
    """An OCI layout with the entry `one`: a small image for one platform."""
    layout = Layout(scratch("single") / "layout")
    layout.tag(layout.image(program_layers("single")), "one")
    return layout.folder


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tar archive with the essential packages of Debian, built from the mirror that this machine is set up with.

    Processes that share the tests of one run build it once.
    """
    need("mmdebstrap")
    if os.geteuid() != 0:
        lack("only root builds a system that runs")
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "system"
    folder.mkdir(exist_ok=True)
    archive = folder / "system.tar"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not archive.exists():
            _build(folder).rename(archive)
    return archive


def _build(folder: Path) -> Path:
    memory = Path("/dev/shm")
    in_memory = memory.is_dir() and shutil.disk_usage(memory).free > _BUILD_ROOM
    station = Station(folder)
    # The mirror is the one thing here that is not on loopback: it is reached as this machine is set up to reach it.
    given = {name: os.environ.get(name, "") for name in station.environment if name.lower().endswith("_proxy")}
    given["TMPDIR"] = str(memory if in_memory else folder / "tmp")
    built = folder / "built.tar"
    codename = platform.freedesktop_os_release()["VERSION_CODENAME"]
    station.run(
        "mmdebstrap",
        *("--quiet", "--mode=root", "--variant=essential", "--dpkgopt=force-unsafe-io", codename),
        built,
        variables=given,
    )
    return built


@pytest.fixture(scope="session")
def debian(system: Path, scratch: Callable[[str], Path]) -> Path:
    """An OCI layout with the entry `debian`: a system that runs, and three layers on top of it."""
    layout = Layout(scratch("debian") / "layout")
    layout.tag(layout.image([packed(system.read_bytes()), *program_layers("debian")]), "debian")
    return layout.folder


@pytest.fixture(scope="session")
def debian_served(server: OrlopServer, debian: Path, scratch: Callable[[str], Path]) -> str:
    """The repository in which the Debian image is tagged `12`."""
    station = Station(scratch("pushing"))
    station.run(
        "skopeo",
        *("copy", "--quiet", "--preserve-digests", "--dest-tls-verify=false", f"oci:{debian}:debian"),
        f"docker://{server.address}/base/debian:12",
    )
    return "base/debian"


@pytest.fixture(scope="session")
def containerd(scratch: Callable[[str], Path]) -> Iterator[Path]:
    """The socket of a containerd of our own."""
    with daemons.containerd(scratch("containerd")) as socket:
        yield socket


@pytest.fixture(scope="session")
def dockerd(containerd: Path, server: OrlopServer, scratch: Callable[[str], Path]) -> Iterator[Path]:
    """The socket of a Docker Engine of our own, with the server as the mirror of Docker Hub."""
    with daemons.dockerd(scratch("dockerd"), containerd, server.url) as socket:
        yield socket
