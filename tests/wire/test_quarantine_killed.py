"""A server is killed while something is let out of quarantine: it is out with all of its tags, or waits as before."""

import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.content import image, index
from tests.managed import PASSWORD, Managed
from tests.servers import ORLOP, OrlopServer
from tests.volume import volume
from tests.wire.sockets import Gone

pytestmark = pytest.mark.slow

KILLS = volume(3, 200)
_TAGS = ("1", "2", "3")


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Managed]:
    server = OrlopServer(tmp_path_factory.mktemp("killed"), {"open": False, "admin_password": PASSWORD})
    server.start()
    try:
        made = Managed(server)
        made.ask("POST", "users", {"name": "pat", "password": PASSWORD})
        made.ask("PUT", "users/pat/password", {"password": PASSWORD, "must_change": False})
        grant = {"principal": "pat", "role": "publisher", "place": {"kind": "namespace", "path": "prod"}}
        made.ask("POST", "grants", grant)
        made.put("quarantine-rules/in?path=prod", {"person": True})
        yield made
    finally:
        server.kill()


@pytest.mark.parametrize("decision", ["release", "refuse"])
def test_all_or_nothing_and_once(api: Managed, decision: str) -> None:
    chance, done_before = random.Random(27), 0
    for turn in range(KILLS):
        name = f"prod/{decision}/app{turn}"
        what = index(f"{decision} {turn}", [image(f"a {decision} {turn}"), image(f"b {decision} {turn}")])
        api.push(name, what, *_TAGS, who="pat")
        [held] = api.ask("GET", f"held-pushes?place={name}")
        asking = threading.Thread(target=_decide, args=(api, held["id"], decision))
        asking.start()
        time.sleep(chance.uniform(0, 0.03))
        os.killpg(api.server.pid, signal.SIGKILL)
        asking.join()
        api.server.kill()
        api.server.start()
        waits = bool(api.ask("GET", f"held-pushes?place={name}"))
        if waits:
            assert {api.manifest(name, tag).status for tag in _TAGS} == {404}
            assert api.manifest(name, str(what.digest)).status == 200
            api.ask("POST", f"held-pushes/{held['id']}/{decision}", {"reason": "tried"})
        done_before += not waits
        api.refused("POST", f"held-pushes/{held['id']}/{decision}", {"reason": "tried"}, status=409)
        assert {api.manifest(name, tag).status for tag in _TAGS} == {200 if decision == "release" else 404}
        if decision == "release":
            assert {len(api.ask("GET", f"tag-history?repository={name}&tag={tag}")) for tag in _TAGS} == {1}
        else:
            trash = api.ask("GET", f"trash?place={name}")
            assert sorted(each["digest"] for each in trash) == sorted(str(each.digest) for each in what.everything())
    print(f"{done_before} of {KILLS} decisions were made when the server was killed")
    api.server.kill()
    verified = subprocess.run(
        [*ORLOP, "verify", "--data", str(api.server.data)], capture_output=True, text=True, timeout=120
    )
    api.server.start()
    assert verified.returncode == 0, verified.stdout + verified.stderr


def _decide(api: Managed, number: int, decision: str) -> None:
    """Ask a server that may be gone before it answers."""
    with suppress(Gone, OSError):
        api.ask("POST", f"held-pushes/{number}/{decision}", {"reason": "tried"})
