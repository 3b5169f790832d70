"""Pull-through caches: real registries behind Orlop, real clients in front, and pulls that go on while those are away.

Each test shows a registry at a namespace of its own, through a relay. What was pulled once is pulled again when the
relay is closed, by which time what the registry said of its tags does not hold any more.
"""

import base64
import json
import shutil
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.clients import daemons
from tests.clients.conftest import PASSWORD
from tests.clients.contents import Content, in_layout, served
from tests.clients.layouts import Layout, noise, program_layers
from tests.clients.programs import Station
from tests.clients.relays import Relay, relay
from tests.clients.test_containerd import Ctr
from tests.clients.test_docker import Docker
from tests.clientside import peers
from tests.servers import OrlopServer, orlop_server

pytestmark = pytest.mark.slow

_PEERS = ("distribution", "zot", "orlop")
_SBOM, _REVIEW = "application/spdx+json", "application/vnd.example.review"


class Shown(NamedTuple):
    """A registry that a namespace of the cache shows."""

    cache: OrlopServer
    place: str
    upstream: str
    """Where it really is: to push to it."""
    way: Relay

    @property
    def at(self) -> str:
        """What its repositories begin with for clients."""
        return f"{self.cache.address}/{self.place}" if self.place else self.cache.address

    def repository(self, name: str) -> str:
        """A repository of it, as the cache has it."""
        return f"{self.place}/{name}" if self.place else name

    def away(self) -> None:
        """Nobody gets to it any more, and what it said of its tags holds no more."""
        self.way.close()
        time.sleep(1.1)  # `fresh` is a second


class Peers:
    """Registries that run until the tests are done, each started when first asked for."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._running: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        """Its `host:port`."""
        if name not in self._running:
            folder = self._folder / name
            folder.mkdir()
            starting = {
                "distribution": lambda: peers.distribution(folder, "registry"),
                "zot": lambda: peers.zot(folder),
            }
            start = starting.get(name, lambda: peers.orlop(folder))
            self._running[name] = self._stack.enter_context(start())
        return self._running[name]


@pytest.fixture(scope="module")
def registries(scratch: Callable[[str], Path]) -> Iterator[Peers]:
    """The upstreams."""
    with ExitStack() as stack:
        yield Peers(scratch("upstreams"), stack)


@pytest.fixture(scope="module")
def cache(scratch: Callable[[str], Path]) -> Iterator[OrlopServer]:
    """The registry in front of them; it has to verify when all is done."""
    settings = {"open": False, "admin_password": PASSWORD, "outbound_networks": "127.0.0.0/8"}
    with orlop_server(scratch("cache"), workers=2, **settings) as server:
        yield server
        server.verify()


@pytest.fixture
def show(cache: OrlopServer, registries: Peers) -> Iterator[Callable[..., Shown]]:
    """Has a namespace show a registry, through a relay."""
    with ExitStack() as stack:

        def shown(place: str, peer: str, **fields: Any) -> Shown:
            way = stack.enter_context(relay(registries[peer]))
            body = {"url": f"http://{way.address}", "fresh": "1s", **fields}
            _put(cache, f"upstreams/{place or 'root'}?path={place}", body)
            _put(cache, f"namespaces/{place or 'library'}", {"visibility": "public"})
            return Shown(cache, place, registries[peer], way)

        yield shown


@pytest.fixture(scope="module")
def engine(containerd: Path, cache: OrlopServer, scratch: Callable[[str], Path]) -> Iterator[Path]:
    """The socket of a Docker Engine whose mirror of Docker Hub is the cache."""
    with daemons.dockerd(scratch("engine"), containerd, cache.url) as socket:
        yield socket


@pytest.fixture
def docker(station: Station, engine: Path) -> Docker:
    """The `docker` command, in a home of this test's own."""
    return Docker(station, engine)


@pytest.fixture
def ctr(station: Station, containerd: Path) -> Ctr:
    """The `ctr` command, in a namespace of these tests."""
    return Ctr(station, containerd, "pullthrough")


def _put(server: OrlopServer, path: str, body: dict[str, Any]) -> None:
    basic = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
    headers = {"authorization": f"Basic {basic}", "content-type": "application/json", "if-none-match": "*"}
    request = urllib.request.Request(f"{server.url}/api/v1/{path}", json.dumps(body).encode(), headers, method="PUT")
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status in {200, 201}


def _image(station: Station, seed: str) -> Path:
    """An OCI layout with one small image that no other test has."""
    layout = Layout(station.folder / f"layout-{seed}")
    layout.tag(layout.image(program_layers(seed)), "1")
    return layout.folder


def _pushed(station: Station, shown: Shown, repository: str, tag: str = "1") -> Content:
    """What the upstream has from now on."""
    seed = f"{shown.place}-{repository.replace('/', '-')}"
    layout = _image(station, seed)
    station.run("crane", "push", layout, f"{shown.upstream}/{repository}:{tag}")
    return in_layout(layout)


@pytest.mark.parametrize("peer", _PEERS)
def test_crane_of_every_registry(show: Callable[..., Shown], station: Station, platforms: Path, peer: str) -> None:
    shown = show(f"crane-{peer}", peer)
    station.run("crane", "push", platforms, f"{shown.upstream}/team/index:1")
    image = f"{shown.at}/team/index:1"
    assert station.text("crane", "digest", image) == in_layout(platforms).digest  # HEAD alone: nothing is fetched
    station.run("crane", "validate", "--remote", image)
    assert station.text("crane", "ls", f"{shown.at}/team/index") == "1"
    assert served(shown.cache, shown.repository("team/index"), "1") == in_layout(platforms)

    shown.away()
    station.run("crane", "validate", "--remote", image)
    assert station.text("crane", "ls", f"{shown.at}/team/index") == "1"
    with urllib.request.urlopen(f"{shown.cache.url}/v2/{shown.place}/team/index/manifests/1", timeout=30) as answer:
        assert answer.headers["Warning"].startswith('299 - "')


@pytest.mark.parametrize("peer", _PEERS)
def test_skopeo_of_every_registry(show: Callable[..., Shown], station: Station, peer: str) -> None:
    """Also with an image that was pushed in Docker's form, as old ones are: nothing is converted on the way."""
    shown = show(f"skopeo-{peer}", peer)
    layout, direct = _image(station, f"skopeo-{peer}"), f"docker://{shown.upstream}/team/old:1"
    form = "oci" if peer == "zot" else "v2s2"  # zot takes Docker's only when it is told to
    station.run("skopeo", "copy", f"--format={form}", "--dest-tls-verify=false", f"oci:{layout}:1", direct)
    pull = ("skopeo", "copy", "--preserve-digests", "--src-tls-verify=false")
    station.run(*pull, direct, "dir:direct")
    station.run(*pull, f"docker://{shown.at}/team/old:1", "dir:first")
    shown.away()
    station.run(*pull, f"docker://{shown.at}/team/old:1", "dir:again")
    for folder in ("first", "again"):
        assert _files(station.folder / folder) == _files(station.folder / "direct")


def test_a_push_is_refused_in_words(show: Callable[..., Shown], station: Station, single: Path) -> None:
    shown = show("pushed", "zot")
    station.run(
        "crane", "auth", "login", "-u", "admin", "--password-stdin", shown.cache.address, sent=PASSWORD.encode()
    )
    assert "takes no pushes" in station.refused("crane", "push", single, f"{shown.at}/team/app:1")


def test_docker_by_its_full_name(show: Callable[..., Shown], docker: Docker, station: Station) -> None:
    shown = show("docker", "distribution")
    content = _pushed(station, shown, "team/app")
    image = f"{shown.at}/team/app:1"
    docker("pull", "--quiet", image)
    assert docker.inspect(image)["RepoDigests"] == [f"{shown.at}/team/app@{content.digest}"]
    docker("rmi", image)

    shown.away()
    docker("pull", "--quiet", image)
    docker("rmi", image)


def test_docker_with_a_mirror_of_docker_hub(
    show: Callable[..., Shown], cache: OrlopServer, docker: Docker, station: Station
) -> None:
    """`registry-mirrors` asks for the repositories of Docker Hub at the root of the mirror."""
    shown = show("", "distribution")
    content = _pushed(station, shown, "library/mirrored")
    docker("pull", "--quiet", "mirrored:1")
    assert docker.inspect("mirrored:1")["RepoDigests"] == [f"mirrored@{content.digest}"]
    docker("rmi", "mirrored:1")

    shown.away()
    docker("pull", "--quiet", "mirrored:1")
    docker("rmi", "mirrored:1")


@pytest.mark.parametrize("registry", ["docker.io", "registry.example"])
def test_containerd_with_one_mirror_for_every_registry(
    show: Callable[..., Shown], ctr: Ctr, station: Station, registry: str
) -> None:
    """containerd says in `?ns=` which registry it means."""
    place = f"ctr-{registry.partition('.')[0]}"
    shown = show(place, "zot", serves=[registry])
    content = _pushed(station, shown, "library/app")
    hosts = station.folder / "hosts"
    (hosts / registry).mkdir(parents=True)
    (hosts / registry / "hosts.toml").write_text(
        f'server = "http://127.0.0.1:1"\n[host."{shown.cache.url}"]\n  capabilities = ["pull", "resolve"]\n'
    )
    image = f"{registry}/library/app:1"
    for _ in range(2):
        ctr("images", "pull", "--hosts-dir", hosts, image)
        assert ctr.digest(image) == content.digest
        for digest, size in content.sizes.items():
            assert len(ctr.content(digest)) == size
        ctr("images", "rm", "--sync", image)
        shown.away()
    assert served(shown.cache, f"{place}/library/app", "1") == content


def test_podman_and_buildah_with_a_mirror(show: Callable[..., Shown], cache: OrlopServer, tmp_path: Path) -> None:
    storage, registries = tmp_path / "storage.conf", tmp_path / "registries.conf"
    storage.write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{tmp_path}/images"\nrunroot = "{tmp_path}/run"\n')
    shown = show("podman", "distribution")
    registries.write_text(
        '[[registry]]\nprefix = "docker.io"\nlocation = "127.0.0.1:1"\n'
        f'[[registry.mirror]]\nlocation = "{shown.at}"\ninsecure = true\n'
        f'[[registry]]\nlocation = "{cache.address}"\ninsecure = true\n'
    )
    station = Station(tmp_path, CONTAINERS_STORAGE_CONF=str(storage), CONTAINERS_REGISTRIES_CONF=str(registries))
    content = _pushed(station, shown, "library/base")
    (tmp_path / "words").write_text("words\n")
    (tmp_path / "Dockerfile").write_text("FROM docker.io/library/base:1\nCOPY words /words\n")
    try:
        for _ in range(2):
            for image in ("docker.io/library/base:1", f"{shown.at}/library/base:1"):
                station.run("podman", "pull", "--quiet", image)
                digest = station.text("podman", "image", "inspect", "--format={{.Digest}}", image)
                assert digest == content.digest
            station.run("buildah", "rmi", "--all", "--force")
            station.run("buildah", "bud", "--quiet", "--isolation=chroot", "--pull-always", "-t", "made", ".")
            station.run("buildah", "rmi", "--all", "--force")
            shown.away()
    finally:
        daemons.unmount(tmp_path)
        shutil.rmtree(tmp_path / "images", ignore_errors=True)  # not there when nothing was pulled


def test_helm(show: Callable[..., Shown], station: Station) -> None:
    shown = show("helm", "zot")
    station.run("helm", "create", "ship")
    for version in ("1.2.3+build.4", "1.4.0"):
        station.run("helm", "package", "ship", "--version", version)
        station.run("helm", "push", f"ship-{version}.tgz", f"oci://{shown.upstream}/charts", "--plain-http")
    chart = (f"oci://{shown.at}/charts/ship", "--plain-http", "--version")
    for folder in ("first", "again"):
        (station.folder / folder).mkdir()
        station.run("helm", "pull", *chart, "1.2.3+build.4", "--destination", folder)
        pulled = station.folder / folder / "ship-1.2.3+build.4.tgz"
        assert pulled.read_bytes() == (station.folder / pulled.name).read_bytes()
        assert b"version: 1.4.0" in station.run("helm", "show", "chart", *chart, "^1")
        shown.away()


@pytest.mark.parametrize("peer", _PEERS)
def test_oras_with_what_refers_to_an_artifact(show: Callable[..., Shown], station: Station, peer: str) -> None:
    """distribution knows no referrers: there they lie under the fallback tag, and the cache answers all the same."""
    shown = show(f"oras-{peer}", peer)
    files = {"model.bin": noise("oras model", 300_000), "sbom": b"sbom", "review": b"review"}
    for name, content in files.items():
        (station.folder / name).write_bytes(content)
    direct = f"{shown.upstream}/team/model:1"
    station.run("oras", "push", "--plain-http", "--artifact-type=application/vnd.example.model", direct, "model.bin")
    station.run("oras", "attach", "--plain-http", "--artifact-type", _SBOM, direct, "sbom")
    station.run("oras", "attach", "--plain-http", "--artifact-type", _REVIEW, direct, "review")
    for out in ("first", "again"):
        station.run("oras", "pull", "--plain-http", "-o", out, f"{shown.at}/team/model:1")
        assert (station.folder / out / "model.bin").read_bytes() == files["model.bin"]
        found = _discovered(station, f"{shown.at}/team/model:1")
        assert {entry["artifactType"] for entry in found} == {_SBOM, _REVIEW}
        assert {entry["digest"] for entry in found} == {
            entry["digest"] for entry in (_discovered(station, direct) if out == "first" else found)
        }
        for entry in found:
            station.run("oras", "pull", "--plain-http", "-o", out, entry["reference"])
        assert {path.name: path.read_bytes() for path in (station.folder / out).iterdir()} == files
        shown.away()


@pytest.mark.parametrize("peer", _PEERS)
def test_cosign_verifies_what_was_signed_upstream(show: Callable[..., Shown], signer: Station, peer: str) -> None:
    """Signed as cosign 3 does, without a tag of its own, and under a tag as before."""
    shown = show(f"cosign-{peer}", peer)
    content = _pushed(signer, shown, "team/signed")
    direct, image = (f"{host}/team/signed@{content.digest}" for host in (shown.upstream, shown.at))
    old, new = ("--new-bundle-format=false",), ("--new-bundle-format=true",)
    for form in (old, new):
        signer.run("cosign3", "sign", "--yes", *_OFFLINE, "--key=cosign.key", *form, direct)
    for _ in range(2):
        for form in (old, new):
            verified = ("verify", "--insecure-ignore-tlog=true", "--key=cosign.pub", *form, image)
            (claim,) = json.loads(signer.run("cosign3", *verified))
            assert claim["critical"]["image"]["docker-manifest-digest"] == content.digest
        shown.away()


#: cosign with neither a log of signatures nor a service that says where one is.
_OFFLINE = ("--tlog-upload=false", "--use-signing-config=false")


@pytest.fixture
def signer(tmp_path: Path) -> Station:
    """A station with a key pair."""
    station = Station(tmp_path, COSIGN_PASSWORD="secret")
    station.run("cosign3", "generate-key-pair")
    return station


def _discovered(station: Station, reference: str) -> list[dict[str, Any]]:
    found = json.loads(station.run("oras", "discover", "--plain-http", "--format=json", reference))
    referrers: list[dict[str, Any]] = found["referrers"]
    return referrers


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
