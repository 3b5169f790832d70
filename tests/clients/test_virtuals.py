"""Clients below a virtual: they pull what any member has, and push what lies in one then, signed in as usual."""

import base64
import json
import tarfile
import urllib.request
from pathlib import Path

import pytest

from tests.clients.conftest import PASSWORD
from tests.clients.programs import Station
from tests.clients.test_sign_in import CLIENTS
from tests.servers import OrlopServer

pytestmark = pytest.mark.slow


def asked(server: OrlopServer, method: str, path: str, body: object = None) -> bytes:
    """What the administrator is answered."""
    basic = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
    headers = {"authorization": f"Basic {basic}"}
    if body is not None:
        headers |= {"content-type": "application/json", "if-none-match": "*"}
    sent = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"{server.url}{path}", sent, headers, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return bytes(answer.read())


def virtual(server: OrlopServer, name: str) -> None:
    """`all-NAME/` shows `team-NAME/`, where pushes go, and `base-NAME/`."""
    body = {"members": [f"team-{name}/", f"base-{name}/"], "push_to": f"team-{name}/"}
    asked(server, "PUT", f"/api/v1/virtuals/it?path=all-{name}", body)


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_pulls_and_pushes_by_the_name_of_a_virtual(
    private: OrlopServer, station: Station, single: Path, name: str
) -> None:
    """The image is in another member already, so that most of it is not sent."""
    client = CLIENTS[name]

    def run(command: str, image: str) -> None:
        filled = {"at": private.address, "image": f"{private.address}/{image}", "layout": single}
        station.run(client.program, *[word.format(**filled) for word in command.split()])

    if client.before:
        run(client.before, "")
    login = client.login.format(at=private.address).split()
    station.run(client.program, *login, sent=PASSWORD.encode())
    run(client.push, f"base-{name}/app:1")
    virtual(private, name)
    run(client.pull, f"all-{name}/app:1")
    run(client.push, f"all-{name}/app:2")
    run(client.push, f"all-{name}/new:1")
    pushed = asked(private, "GET", f"/v2/team-{name}/app/manifests/2")
    assert pushed == asked(private, "GET", f"/v2/base-{name}/app/manifests/1")
    assert pushed == asked(private, "GET", f"/v2/team-{name}/new/manifests/1")
    for piece in (json.loads(pushed)["config"], *json.loads(pushed)["layers"]):
        assert len(asked(private, "GET", f"/v2/team-{name}/app/blobs/{piece['digest']}")) == piece["size"]


def test_docker_and_podman_pull_and_push_by_the_name_of_a_virtual(
    private: OrlopServer, tmp_path: Path, dockerd: Path
) -> None:
    storage, registries = tmp_path / "storage.conf", tmp_path / "registries.conf"
    storage.write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{tmp_path}/images"\nrunroot = "{tmp_path}/run"\n')
    registries.write_text(f'[[registry]]\nlocation = "{private.address}"\ninsecure = true\n')
    station = Station(tmp_path, CONTAINERS_STORAGE_CONF=str(storage), CONTAINERS_REGISTRIES_CONF=str(registries))
    station.environment["REGISTRY_AUTH_FILE"] = str(tmp_path / "auth.json")
    (tmp_path / "auth.json").write_text("{}")
    (tmp_path / "words").write_text("words\n")
    with tarfile.open(tmp_path / "root.tar", "w") as tar:
        tar.add(tmp_path / "words", "words")
    virtual(private, "engines")
    # podman first: it would read what docker keeps.
    for program, *more in (("podman",), ("docker", "-H", f"unix://{dockerd}")):
        of_base, of_all = (f"{private.address}/{member}-engines/{program}" for member in ("base", "all"))
        station.run(program, *more, "login", private.address, "-u", "admin", "--password-stdin", sent=PASSWORD.encode())
        station.run(program, *more, "import", "root.tar", f"{of_base}:1")
        station.run(program, *more, "push", f"{of_base}:1")
        station.run(program, *more, "pull", f"{of_all}:1")
        station.run(program, *more, "tag", f"{of_base}:1", f"{of_all}:2")
        station.run(program, *more, "push", f"{of_all}:2")
        station.run(program, *more, "pull", f"{of_all}:2")
        assert json.loads(asked(private, "GET", f"/v2/team-engines/{program}/tags/list"))["tags"] == ["2"]
