"""The first start without --open: an administrator whose password is told once, or chosen, and never another."""

import base64
import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.serving import PATIENCE, Server, command, environment, serving

#: Each of these starts servers.
pytestmark = pytest.mark.slow

CHOSEN = "a phrase of my own"


def told(server: Server) -> dict[str, object]:
    """What the server says of the account that it made."""
    [event] = [event for event in server.events() if event["event"] == "the first account was made"]
    return event


def signs_in(server: Server, password: str, name: str = "admin") -> bool:
    """Whether a token can be fetched with a password, and opens the door."""
    basic = "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()
    reply = server.ask("GET", "/token?service=orlop", authorization=basic)
    if reply.status != 200:
        assert reply.status == 401, reply
        return False
    token = json.loads(reply.body)["token"]
    assert server.ask("GET", "/v2/", authorization=f"Bearer {token}").status == 200
    assert server.ask("GET", "/v2/", authorization=basic).status == 200
    return True


@pytest.mark.parametrize("catalog", ["sqlite", "memory"])
def test_a_password_is_drawn_told_once_and_good(tmp_path: Path, catalog: str) -> None:
    settings = {"ORLOP_CATALOG_URL": catalog, "ORLOP_BLOBS_URL": "file" if catalog == "sqlite" else "memory"}
    with serving(tmp_path, settings=settings, opened=False) as server:
        event = told(server)
        password = str(event["password"])
        assert event["account"] == "admin"
        assert re.fullmatch(r"[a-z2-9]{24}", password)
        assert server.ask("GET", "/v2/").status == 401
        assert signs_in(server, password)
        assert not signs_in(server, CHOSEN)
        said = server.errors.read_text() + server.output.read_text()
    assert said.count(password) == 1
    if catalog == "sqlite":
        with serving(tmp_path, settings=settings, opened=False) as again:
            assert "first account" not in again.errors.read_text()
            assert signs_in(again, password)


def test_a_password_that_was_chosen_is_good_and_told_nowhere(tmp_path: Path) -> None:
    settings = {"ORLOP_ADMIN_PASSWORD": CHOSEN}
    with serving(tmp_path, settings=settings, opened=False) as server:
        assert "password" not in told(server)
        assert signs_in(server, CHOSEN)
        for process in (server.process.pid, *server.workers()):
            shown = Path(f"/proc/{process}/environ").read_bytes()
            assert b"PATH=" in shown
            assert CHOSEN.encode() not in shown, "the environment that Linux shows has it no more"
        said = server.errors.read_text() + server.output.read_text()
    assert CHOSEN not in said
    with serving(tmp_path, settings={"ORLOP_ADMIN_PASSWORD": "another of my own"}, opened=False) as again:
        assert signs_in(again, CHOSEN)
        assert not signs_in(again, "another of my own"), "it is for the first start alone"
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and CHOSEN.encode() in file.read_bytes()]


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "a password has at least 12 characters; take a longer one"),
        ("administrator", "the password is one of the commonest; take another"),
        ("admin1234567", "the password is the name of the account; take another"),
    ],
)
def test_a_bad_password_is_one_sentence_and_nothing_is_made(tmp_path: Path, password: str, reason: str) -> None:
    ended = subprocess.run(
        command("serve", "--listen", "127.0.0.1:0", "--data", str(tmp_path / "data")),
        env=environment({"ORLOP_ADMIN_PASSWORD": password}),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert ended.returncode == 2
    assert ended.stderr == f"orlop: ORLOP_ADMIN_PASSWORD: {reason}\n"
    assert list(tmp_path.iterdir()) == []


def test_an_open_registry_makes_no_account(tmp_path: Path) -> None:
    with serving(tmp_path, settings={"ORLOP_ADMIN_PASSWORD": CHOSEN}) as server:
        assert "first account" not in server.errors.read_text()
        assert server.ask("GET", "/v2/").status == 200
    with serving(tmp_path, opened=False) as server:
        assert "password" in told(server), "the first start that needs one makes it"


def test_the_password_is_no_setting(tmp_path: Path) -> None:
    shown = subprocess.run(
        command("config", "show"),
        env=environment({"ORLOP_ADMIN_PASSWORD": CHOSEN}),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert shown.returncode == 0
    assert CHOSEN not in shown.stdout
    assert "ADMIN_PASSWORD" not in shown.stdout
