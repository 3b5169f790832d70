"""`orlop store migrate` between real stores, while clients push and pull: no acknowledged push is lost."""

import http.client
import json
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.faults.pushing import Client, Refused, assert_unavailable, small
from tests.faults.running import running
from tests.postgres import PostgresServer
from tests.s3 import S3Server, minio
from tests.servers import ORLOP, OrlopServer, environment, variables
from tests.serving import eventually

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    # versitygw now and then refuses an object while another is deleted beside it, which would be in the way here.
    with minio(tmp_path_factory.mktemp("minio")) as server:
        server.made("moving")
        yield server


class Pushing:
    """Clients that push and pull all the time, and remember what was acknowledged and what they were refused."""

    def __init__(self, server: OrlopServer, clients: int = 3) -> None:
        self.held: dict[str, Any] = {}
        self.refusals: list[Refused] = []
        self.broken: list[BaseException] = []
        self._server = server
        self._enough = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(clients)]

    def __enter__(self) -> "Pushing":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join(60)

    def is_refused(self) -> None:
        """Return once somebody was, or broke; at the latest after as long as many turns take."""
        for _ in range(300):
            if self.refusals or self.broken:
                return
            time.sleep(0.1)

    def _work(self, number: int) -> None:
        with Client(self._server.address) as client:
            turn = 0
            while not self._enough.is_set():
                turn += 1
                try:
                    client.push(small(f"{number}-{turn}"), f"v{number}-{turn}")
                    client.pull(f"v{number}-{turn}")
                except Refused as refusal:
                    self.refusals.append(refusal)
                except (AssertionError, OSError, http.client.HTTPException) as error:
                    self.broken.append(error)
                time.sleep(1)
            self.held |= client.held


def settings_file(path: Path, settings: Mapping[str, str]) -> Path:
    """A TOML file of settings that are named like their variables."""
    lines = []
    for name, value in settings.items():
        table, _, key = name.partition("_")
        lines.append(f"{f'{table}.{key}' if key else table} = {json.dumps(value)}\n")
    path.write_text("".join(lines))
    return path


def begin(source: Mapping[str, str], target: Path, *flags: str) -> "subprocess.Popen[str]":
    """`orlop store migrate`, running."""
    return subprocess.Popen(
        [*ORLOP, "store", "migrate", "--to", str(target), *flags],
        env=environment(variables(source)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def migrate(source: Mapping[str, str], target: Path, *flags: str) -> tuple[int, dict[str, Any], str]:
    """The same, to its end: exit code, what it says, and what it complains of."""
    process = begin(source, target, "--json", *flags)
    output, errors = process.communicate(timeout=300)
    assert output, errors
    return process.returncode, json.loads(output), errors


def holds(server: OrlopServer, held: Mapping[str, Any]) -> None:
    """Everything that was acknowledged can be pulled, nothing is wrong, and the audit log goes on where it was."""
    with Client(server.address) as client:
        client.held |= held
        client.pull_everything()
    server.verify()
    eventually("every push is in the log", lambda: server.audit()["entries"] > len(held))


def pushed(server: OrlopServer, name: str) -> dict[str, Any]:
    """One more image."""
    with Client(server.address) as client:
        client.push(small(name), name.replace(" ", "-"))
        return client.held


@contextmanager
def refusing(server: OrlopServer) -> Iterator[None]:
    """A push is refused, as by a store that cannot take it, before the block and after it."""

    def push() -> None:
        with Client(server.address) as client, pytest.raises(Refused) as refusal:
            client.push(small("too late"), "late")
        assert_unavailable(refusal.value.answer)

    push()
    yield
    push()


def scaled_out(postgres: PostgresServer, store: S3Server, prefix: str) -> dict[str, str]:
    """Settings of an empty database, and an empty prefix of the bucket."""
    return {"catalog_url": postgres.database(), **store.settings("moving", prefix)}


def test_from_embedded_to_scaled_out_and_back_while_clients_push(
    postgres: PostgresServer, store: S3Server, tmp_path: Path
) -> None:
    far = scaled_out(postgres, store, "there-and-back")
    there = settings_file(tmp_path / "there.toml", far | {"data": str(tmp_path / "unused")})
    with running(tmp_path / "old") as old:
        held = pushed(old, "first")
        with Pushing(old) as pushing:
            time.sleep(2)
            code, report, complaint = migrate({"data": str(old.data)}, there, "--cut-over")
            assert (code, complaint) == (0, "")
            assert report["moved"]
            pushing.is_refused()
        assert pushing.broken == []
        assert pushing.refusals
        for refusal in pushing.refusals:
            assert_unavailable(refusal.answer)
        held |= pushing.held
        assert len(held) > 3
        with refusing(old), running(tmp_path / "new", **far) as new:
            holds(new, held)
            held |= pushed(new, "at the new place")
        assert old.stop() == 0
        with pytest.raises(AssertionError, match="has moved to"):
            old.start()

    home = settings_file(tmp_path / "home.toml", {"data": str(tmp_path / "home" / "data")})
    with running(tmp_path / "new", **far) as new, Pushing(new) as pushing:
        time.sleep(1)
        code, report, complaint = migrate(far, home, "--cut-over")
        assert (code, complaint) == (0, "")
        assert report["moved"]
    assert pushing.broken == []
    with running(tmp_path / "home") as again:
        holds(again, held | pushing.held)
        holds(again, pushed(again, "at home"))


def test_killed_at_any_moment_it_is_run_again_and_goes_on(
    postgres: PostgresServer, store: S3Server, tmp_path: Path
) -> None:
    far = scaled_out(postgres, store, "killed")
    there = settings_file(tmp_path / "there.toml", far | {"data": str(tmp_path / "unused")})
    with running(tmp_path / "old") as old:
        held = pushed(old, "first")
        for number in range(12):
            held |= pushed(old, f"more-{number}")
        kills = 0
        for number in range(60):
            process = begin({"data": str(old.data)}, there, "--cut-over")
            try:
                process.communicate(timeout=0.7 + number * 0.15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                kills += 1
                try:
                    held |= pushed(old, f"between-{kills}")
                except Refused as refusal:
                    assert_unavailable(refusal.answer)
            else:
                break
        assert process.returncode == 0
        assert kills > 3
        with refusing(old), running(tmp_path / "new", **far) as new:
            holds(new, held)


def test_given_up_the_registry_goes_on_where_it_is(postgres: PostgresServer, store: S3Server, tmp_path: Path) -> None:
    far = scaled_out(postgres, store, "given-up")
    there = settings_file(tmp_path / "there.toml", far | {"data": str(tmp_path / "unused")})
    with running(tmp_path / "old") as old:
        held = pushed(old, "first")
        code, report, _ = migrate({"data": str(old.data)}, there)
        assert (code, report["copied"], report["moved"]) == (0, 4, False)
        held |= pushed(old, "second")
        folder = tmp_path / "new"
        with pytest.raises(AssertionError, match="is not finished"), running(folder, **far):
            pass
        code, report, _ = migrate({"data": str(old.data)}, there, "--abort")
        assert (code, report["moved"]) == (0, False)
        holds(old, held | pushed(old, "third"))
        code, report, _ = migrate({"data": str(old.data)}, there, "--cut-over")
        assert (code, report["present"], report["moved"]) == (0, 4, True)
        with running(folder, **far) as new:
            holds(new, held)


def test_blobs_alone_move_and_servers_of_the_old_store_can_push_no_more(store: S3Server, tmp_path: Path) -> None:
    bucket = store.settings("moving", "blobs-alone")
    with running(tmp_path / "old") as old:
        held = pushed(old, "first")
        there = settings_file(tmp_path / "there.toml", bucket | {"data": str(old.data)})
        code, report, complaint = migrate({"data": str(old.data)}, there, "--cut-over")
        assert (code, complaint, report["rows"], report["moved"]) == (0, "", 0, True)
        with refusing(old):
            assert old.data.is_dir()
        assert old.stop() == 0
        with pytest.raises(AssertionError, match="the blobs of this catalog have moved to s3://moving/blobs-alone"):
            old.start()
        with running(tmp_path / "old", **bucket) as new:
            holds(new, held | pushed(new, "second"))


def test_a_catalog_alone_moves_and_takes_the_blobs_over(
    postgres: PostgresServer, store: S3Server, tmp_path: Path
) -> None:
    bucket = store.settings("moving", "catalog-alone")
    far = {"catalog_url": postgres.database(), **bucket}
    there = settings_file(tmp_path / "there.toml", far)
    with running(tmp_path / "old", **bucket) as old:
        held = pushed(old, "first")
        code, report, complaint = migrate({"data": str(old.data), **bucket}, there, "--cut-over")
        assert (code, complaint, report["copied"], report["moved"]) == (0, "", 0, True)
        with refusing(old), running(tmp_path / "new", **far) as new:
            holds(new, held | pushed(new, "second"))


def test_what_cannot_be_moved_to_is_refused_in_one_sentence(postgres: PostgresServer, tmp_path: Path) -> None:
    with running(tmp_path / "used") as used, running(tmp_path / "old") as old:
        held, source = pushed(used, "theirs"), {"data": str(old.data)}
        mine = pushed(old, "mine")
        for target, sentence in (
            ({"data": str(used.data)}, "is not empty"),
            ({"data": str(old.data)}, "there is nothing to move"),
            ({"catalog_url": postgres.url("missing"), "data": str(tmp_path / "x")}, "the database refuses Orlop"),
        ):
            process = begin(source, settings_file(tmp_path / "to.toml", target), "--cut-over")
            output, errors = process.communicate(timeout=120)
            assert (process.returncode, output, errors.count("\n")) == (1, "", 1), errors
            assert sentence in errors
            assert "correct-horse" not in errors
        holds(used, held | pushed(used, "more"))
        holds(old, mine | pushed(old, "more"))
