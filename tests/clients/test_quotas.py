"""What clients print of a push that there is no room for: the figures, as the quota says them."""

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

#: Room for next to nothing.
_SAID = ("the quota small of ", "/ is 10 B, ", " in use, ", "and this push needs ", "remove what nobody needs")


def _limit(server: OrlopServer, place: str) -> None:
    basic = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
    request = urllib.request.Request(
        f"{server.url}/api/v1/quotas/small?path={place}",
        json.dumps({"bytes": "10"}).encode(),
        {"authorization": f"Basic {basic}", "content-type": "application/json", "if-none-match": "*"},
        method="PUT",
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


def _assert_told(said: str) -> None:
    plain = " ".join(said.split())
    assert all(words in plain for words in _SAID), said


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_prints_the_figures(private: OrlopServer, station: Station, single: Path, name: str) -> None:
    client = CLIENTS[name]
    _limit(private, f"full-{name}")

    def words(command: str) -> list[str]:
        filled = {"at": private.address, "image": f"{private.address}/full-{name}/app:1", "layout": single}
        return [word.format(**filled) for word in command.split()]

    if client.before:
        station.run(client.program, *words(client.before))
    station.run(client.program, *words(client.login), sent=PASSWORD.encode())
    _assert_told(station.refused(client.program, *words(client.push)))


def test_docker_and_podman_print_the_figures(private: OrlopServer, tmp_path: Path, dockerd: Path) -> None:
    storage, registries = tmp_path / "storage.conf", tmp_path / "registries.conf"
    storage.write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{tmp_path}/images"\nrunroot = "{tmp_path}/run"\n')
    registries.write_text(f'[[registry]]\nlocation = "{private.address}"\ninsecure = true\n')
    station = Station(tmp_path, CONTAINERS_STORAGE_CONF=str(storage), CONTAINERS_REGISTRIES_CONF=str(registries))
    station.environment["REGISTRY_AUTH_FILE"] = str(tmp_path / "auth.json")
    (tmp_path / "auth.json").write_text("{}")
    _limit(private, "full")
    (tmp_path / "words").write_text("words\n")
    with tarfile.open(tmp_path / "root.tar", "w") as tar:
        tar.add(tmp_path / "words", "words")
    image = f"{private.address}/full/app:1"
    # podman first: it would read what docker keeps.
    for program, *more in (("podman",), ("docker", "-H", f"unix://{dockerd}")):
        station.run(program, *more, "import", "root.tar", image)
        station.run(program, *more, "login", private.address, "-u", "admin", "--password-stdin", sent=PASSWORD.encode())
        _assert_told(station.refused(program, *more, "push", image))
