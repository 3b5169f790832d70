"""containerd: pull, push, run, and as the client of a mirror that stands for other registries."""

import re
from pathlib import Path

import pytest

from tests.clients.contents import in_layout, served
from tests.clients.layouts import GREETING, Layout, program_layers
from tests.clients.programs import Station
from tests.servers import OrlopServer

pytestmark = pytest.mark.slow


class Ctr:
    """The `ctr` command, in a namespace of its own."""

    def __init__(self, station: Station, socket: Path, namespace: str) -> None:
        self._station = station
        self._connection = ("-a", str(socket), "-n", namespace)

    def __call__(self, *arguments: str | Path) -> str:
        """The output of a command."""
        return self._station.text("ctr", *self._connection, *arguments)

    def said(self, *arguments: str | Path) -> str:
        """All that a command says, about what it does as well."""
        return self._station.said("ctr", *self._connection, *arguments)

    def content(self, digest: str) -> bytes:
        """Bytes in containerd's store."""
        return self._station.run("ctr", *self._connection, "content", "get", digest)

    def digest(self, image: str) -> str:
        """What the name of an image stands for."""
        (line,) = [line for line in self("images", "ls").splitlines() if line.startswith(f"{image} ")]
        return line.split()[2]


@pytest.fixture
def ctr(station: Station, containerd: Path, request: pytest.FixtureRequest) -> Ctr:
    """The command; what one test pulled, another does not see."""
    return Ctr(station, containerd, re.sub(r"[^a-z]", "", request.node.name)[:60])


def test_a_system_is_pulled_pushed_and_run(server: OrlopServer, ctr: Ctr, debian_served: str, debian: Path) -> None:
    image, copy = f"{server.address}/{debian_served}:12", f"{server.address}/containerd/debian:12"
    ctr("images", "pull", "--plain-http", image)
    expected = in_layout(debian)
    assert ctr.digest(image) == expected.digest
    for digest, size in expected.sizes.items():
        assert len(ctr.content(digest)) == size

    ctr("images", "tag", image, copy)
    ctr("images", "push", "--plain-http", copy)
    assert served(server, "containerd/debian", "12") == expected
    assert ctr("run", "--rm", copy, "greeter") == GREETING
    ctr("images", "rm", "--sync", image, copy)


def test_every_platform_of_an_index(server: OrlopServer, ctr: Ctr, station: Station, platforms: Path) -> None:
    image, copy = f"{server.address}/containerd/index:1", f"{server.address}/containerd/index-copy:1"
    station.run("crane", "push", platforms, image)
    ctr("images", "pull", "--plain-http", "--all-platforms", image)
    assert "linux/amd64,linux/arm64" in ctr("images", "ls")
    ctr("images", "push", "--plain-http", copy, image)
    assert served(server, "containerd/index-copy", "1") == in_layout(platforms)


@pytest.mark.parametrize("registry", ["docker.io", "registry.example"])
def test_one_mirror_for_every_registry(server: OrlopServer, ctr: Ctr, station: Station, registry: str) -> None:
    """containerd says in `?ns=` which registry it has in mind; the mirror is asked first and has the image."""
    repository = f"library/{registry.partition('.')[0]}-mirrored"
    # An image that containerd has not met: it does not fetch twice what it has, whatever it is called.
    layout = Layout(station.folder / "layout")
    layout.tag(layout.image(program_layers(registry)), "1")
    mirrored = in_layout(layout.folder)
    station.run("crane", "push", layout.folder, f"{server.address}/{repository}:1")
    hosts = station.folder / "hosts"
    (hosts / registry).mkdir(parents=True)
    (hosts / registry / "hosts.toml").write_text(
        f'server = "http://127.0.0.1:1"\n[host."{server.url}"]\n  capabilities = ["pull", "resolve"]\n'
    )
    image = f"{registry}/{repository}:1"
    said = ctr.said("images", "pull", "--http-dump", "--hosts-dir", hosts, image)
    assert f"GET /v2/{repository}/manifests/{mirrored.digest}?ns={registry}" in said
    assert f"Oci-Namespace: {registry}" in said
    assert ctr.digest(image) == mirrored.digest
    for digest, size in mirrored.sizes.items():
        assert len(ctr.content(digest)) == size
    ctr("images", "rm", "--sync", image)
