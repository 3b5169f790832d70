"""Signing in as people do, with the login command of each client: by password, by what a login keeps, or not."""

import base64
import json
import tarfile
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.clients.conftest import PASSWORD
from tests.clients.programs import Station
from tests.servers import OrlopServer

pytestmark = pytest.mark.slow


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
    said = station.refused(client.program, *arguments, sent=b"wrong\n")
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


def test_podman_and_buildah_sign_in(private: OrlopServer, tmp_path: Path) -> None:
    storage, registries = tmp_path / "storage.conf", tmp_path / "registries.conf"
    storage.write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{tmp_path}/images"\nrunroot = "{tmp_path}/run"\n')
    registries.write_text(f'[[registry]]\nlocation = "{private.address}"\ninsecure = true\n')
    station = Station(
        tmp_path,
        CONTAINERS_STORAGE_CONF=str(storage),
        CONTAINERS_REGISTRIES_CONF=str(registries),
    )
    station.environment["REGISTRY_AUTH_FILE"] = str(tmp_path / "auth.json")
    (tmp_path / "auth.json").write_text("{}")
    (tmp_path / "words").write_text("words\n")
    container = station.text("buildah", "from", "scratch")
    station.run("buildah", "copy", container, "words", "/words")
    image = f"{private.address}/team/podman:1"
    station.run("buildah", "commit", "--quiet", container, image)
    for program in ("buildah", "podman"):
        station.refused(program, "push", "--quiet", image)
        login = ("login", "--tls-verify=false", "-u", "admin", "--password-stdin", private.address)
        station.run(program, *login, sent=PASSWORD.encode())
        station.run(program, "push", "--quiet", image)
        station.run(program, "pull", "--quiet", image)
        station.run(program, "logout", private.address)
        station.refused(program, "push", "--quiet", image)


def test_helm_signs_in(private: OrlopServer, station: Station) -> None:
    station.run("helm", "create", "ship")
    station.run("helm", "package", "ship", "--version", "1.2.3")
    push = ("push", "ship-1.2.3.tgz", f"oci://{private.address}/team/charts", "--plain-http")
    pull = ("pull", f"oci://{private.address}/team/charts/ship", "--version", "1.2.3", "--plain-http")
    station.refused("helm", *push)
    login = ("registry", "login", private.address, "--plain-http", "-u", "admin", "--password-stdin")
    station.run("helm", *login, sent=PASSWORD.encode())
    station.run("helm", *push)
    (station.folder / "pulled").mkdir()
    station.run("helm", *pull, "--destination", "pulled")
    station.run("helm", "registry", "logout", private.address)
    station.refused("helm", *pull)


def test_containerd_is_told_who_asks(private: OrlopServer, station: Station, containerd: Path, single: Path) -> None:
    image = f"{private.address}/team/containerd:1"
    ctr = ("-a", str(containerd), "-n", "signin")
    station.run("crane", "auth", "login", private.address, "-u", "admin", "--password-stdin", sent=PASSWORD.encode())
    station.run("crane", "push", single, image)
    pull = ("images", "pull", "--plain-http")
    station.refused("ctr", *ctr, *pull, image)
    station.refused("ctr", *ctr, *pull, "--user", "admin:wrong", image)
    station.run("ctr", *ctr, *pull, "--user", f"admin:{PASSWORD}", image)
    station.run("ctr", *ctr, "images", "push", "--plain-http", "--user", f"admin:{PASSWORD}", f"{image}-2", image)


def test_cosign_signs_what_it_may_push(private: OrlopServer, station: Station, single: Path) -> None:
    image = f"{private.address}/team/cosign:1"
    login = ("auth", "login", private.address, "-u", "admin", "--password-stdin")
    station.run("crane", *login, sent=PASSWORD.encode())
    station.run("crane", "push", single, image)
    secret = {"COSIGN_PASSWORD": "secret"}
    station.run("cosign", "generate-key-pair", variables=secret)
    digest = station.text("crane", "digest", image)
    named = f"{private.address}/team/cosign@{digest}"
    sign = ("sign", "--yes", "--tlog-upload=false", "--key=cosign.key", named)
    station.run("crane", "auth", "logout", private.address)
    station.refused("cosign", *sign, variables=secret)
    station.run("crane", *login, sent=PASSWORD.encode())
    station.run("cosign", *sign, variables=secret)
    station.run("cosign", "verify", "--insecure-ignore-tlog=true", "--key=cosign.pub", named)
