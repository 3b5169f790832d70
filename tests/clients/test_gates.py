"""What people read when a gate holds back an image that they pull: the sentence of the registry, at each client."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients import daemons
from tests.clients.programs import Station
from tests.content import image
from tests.managed import PASSWORD, Managed
from tests.servers import OrlopServer

pytestmark = pytest.mark.slow

APP = image("held back")
SENTENCE = "gate owned on prod refuses app{}: it has no label owner; build it anew"


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a registry whose gate holds back `prod/app:1` from ann, who may pull there."""
    settings = {"open": False, "admin_password": PASSWORD, "workers": 1}
    server = OrlopServer(tmp_path_factory.mktemp("gated"), settings)
    server.start()
    try:
        api = Managed(server)
        api.ask("POST", "users", {"name": "ann", "password": PASSWORD})
        api.ask("PUT", "users/ann/password", {"password": PASSWORD, "must_change": False})
        place = {"kind": "namespace", "path": "prod"}
        api.ask("POST", "grants", {"principal": "ann", "role": "reader", "place": place})
        api.push("prod/app", APP, "1")
        api.put("gates/owned?path=prod", {"labels": ["owner"], "mode": "enforce"})
        yield server.address
    finally:
        server.kill()


#: By client how ann signs in and pulls; `{}` is the image.
CLIENTS = {
    "crane": (("auth", "login"), ("pull", "{}", "image.tar")),
    "skopeo": (("login", "--tls-verify=false"), ("copy", "--src-tls-verify=false", "docker://{}", "dir:copied")),
    "oras": (("login", "--plain-http"), ("copy", "--from-plain-http", "{}", "--to-oci-layout", "copied:1")),
    "regctl": (("registry", "login"), ("image", "copy", "{}", "ocidir://copied:1")),
}


@pytest.mark.parametrize("program", CLIENTS)
def test_clients_that_copy(gated: str, station: Station, program: str) -> None:
    login, pull = CLIENTS[program]
    if program == "regctl":
        station.run("regctl", "registry", "set", gated, "--tls", "disabled")
    password = "--pass-stdin" if program == "regctl" else "--password-stdin"
    station.run(program, *login, gated, "-u", "ann", password, sent=PASSWORD.encode())
    _is_told(station.refused(program, *(word.format(f"{gated}/prod/app:1") for word in pull)))


def test_podman(gated: str, tmp_path: Path) -> None:
    storage = tmp_path / "storage.conf"
    storage.write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{tmp_path}/images"\nrunroot = "{tmp_path}/run"\n')
    (tmp_path / "auth.json").write_text("{}")
    station = Station(tmp_path, CONTAINERS_STORAGE_CONF=str(storage), REGISTRY_AUTH_FILE=str(tmp_path / "auth.json"))
    try:
        login = ("login", "--tls-verify=false", "-u", "ann", "--password-stdin", gated)
        station.run("podman", *login, sent=PASSWORD.encode())
        _is_told(station.refused("podman", "pull", "--tls-verify=false", f"{gated}/prod/app:1"))
    finally:
        daemons.unmount(tmp_path)


def test_docker(gated: str, station: Station, dockerd: Path) -> None:
    docker = ("docker", "-H", f"unix://{dockerd}")
    station.run(*docker, "login", "-u", "ann", "--password-stdin", gated, sent=PASSWORD.encode())
    _is_told(station.refused(*docker, "pull", f"{gated}/prod/app:1"))


def test_containerd(gated: str, station: Station, containerd: Path) -> None:
    ctr = ("ctr", "--address", str(containerd), "images", "pull", "--plain-http", "--user", f"ann:{PASSWORD}")
    # It asks for the digest of a tag by HEAD, and then for the digest.
    _is_told(station.refused(*ctr, f"{gated}/prod/app:1"), f"@{str(APP.digest)[:19]}")


def _is_told(said: str, reference: str = ":1") -> None:
    """The sentence is there, whatever the client breaks or quotes."""
    assert SENTENCE.format(reference) in " ".join(said.replace('\\"', '"').split()), said
