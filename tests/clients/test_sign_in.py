"""Signing in as people do, with the login command of each client: by password, by what a login keeps, or not."""

import base64
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.clients.programs import Station
from tests.servers import OrlopServer, orlop_server

pytestmark = pytest.mark.slow

PASSWORD = "a phrase for the tests"


class Client(NamedTuple):
    """The commands of a client; `{at}` is the registry, `{image}` an image there, `{layout}` a folder with one.

    A login reads the password from standard input.
    """

    program: str
    login: str
    push: str
    pull: str
    logout: str
    before: str = ""


CLIENTS = {
    client.program: client
    for client in (
        Client(
            "skopeo",
            "login --tls-verify=false -u admin --password-stdin {at}",
            "copy --quiet --dest-tls-verify=false oci:{layout}:one docker://{image}",
            "copy --quiet --src-tls-verify=false docker://{image} dir:pulled",
            "logout {at}",
        ),
        Client(
            "crane",
            "auth login {at} -u admin --password-stdin",
            "push {layout} {image}",
            "pull {image} pulled.tar",
            "auth logout {at}",
        ),
        Client(
            "regctl",
            "registry login {at} -u admin --pass-stdin",
            "image copy ocidir://{layout}:one {image}",
            "image copy {image} ocidir://pulled:one",
            "registry logout {at}",
            "registry set {at} --tls disabled",
        ),
        Client(
            "oras",
            "login --plain-http -u admin --password-stdin {at}",
            "copy --from-oci-layout {layout}:one --to-plain-http {image}",
            "copy --from-plain-http {image} --to-oci-layout pulled:one",
            "logout {at}",
        ),
    )
}


@pytest.fixture(scope="module")
def private(scratch: Callable[[str], Path]) -> Iterator[OrlopServer]:
    """A server that knows one administrator, and lets nobody else in."""
    with orlop_server(scratch("private"), open=False, admin_password=PASSWORD, workers=2) as server:
        yield server
        server.verify()


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_signs_in_pushes_and_pulls_and_gets_nothing_without(
    private: OrlopServer, station: Station, single: Path, name: str
) -> None:
    client = CLIENTS[name]

    def words(command: str) -> list[str]:
        filled = {"at": private.address, "image": f"{private.address}/team/{name}:1", "layout": single}
        return [word.format(**filled) for word in command.split()]

    if client.before:
        station.run(client.program, *words(client.before))
    station.refused(client.program, *words(client.push))
    station.run(client.program, *words(client.login), sent=PASSWORD.encode())
    station.run(client.program, *words(client.push))
    station.run(client.program, *words(client.pull))
    station.run(client.program, *words(client.logout))
    said = station.refused(client.program, *words(client.pull))
    assert "sign in" in said or "unauthorized" in said.lower(), said


@pytest.mark.parametrize("name", ["skopeo", "regctl", "oras"])
def test_a_client_says_that_the_password_is_wrong(private: OrlopServer, station: Station, name: str) -> None:
    client = CLIENTS[name]
    if client.before:
        station.run(client.program, *client.before.format(at=private.address).split())
    arguments = client.login.format(at=private.address).split()
    said = station.refused("sh", "-c", 'echo wrong | "$@"', "sh", client.program, *arguments)
    assert "unauthorized" in said.lower() or "invalid username/password" in said, said


def test_docker_keeps_no_password(private: OrlopServer, station: Station, dockerd: Path) -> None:
    def docker(*arguments: str, sent: bytes = b"") -> str:
        return station.run("docker", "-H", f"unix://{dockerd}", *arguments, sent=sent).decode()

    image = f"{private.address}/team/docker:1"
    (station.folder / "words").write_text("words\n")
    with tarfile.open(station.folder / "root.tar", "w") as tar:
        tar.add(station.folder / "words", "words")
    docker("import", "root.tar", image)
    assert "Login Succeeded" in docker(
        "login", private.address, "-u", "admin", "--password-stdin", sent=PASSWORD.encode()
    )
    [kept] = json.loads((station.folder / "home/.docker/config.json").read_text())["auths"].values()
    assert kept["identitytoken"].startswith("orlop_rfr_")
    assert PASSWORD not in base64.b64decode(kept.get("auth", "")).decode()
    docker("push", image)
    docker("rmi", image)
    docker("pull", "--quiet", image)
    docker("rmi", image)
    docker("logout", private.address)
    said = station.refused("docker", "-H", f"unix://{dockerd}", "pull", image)
    assert "sign in" in said or "unauthorized" in said or "no basic auth" in said, said
