"""Workers and whole servers that are killed under load, and uploads that nobody finishes."""

import http.client
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.content import Pushable
from tests.faults.pushing import REPOSITORY, Client, Refused, assert_clean, orlop, small
from tests.faults.running import running
from tests.servers import OrlopServer
from tests.volume import volume

pytestmark = pytest.mark.slow

CLIENTS = 4
KILLS = volume(6, 60)
ABANDONED = volume(2_000, 10_000)


class _Load:
    """Clients that push and pull, each image until it is acknowledged, whatever happens to their connections."""

    def __init__(self, address: str, generation: int = 0) -> None:
        self.held: dict[str, Pushable] = {}
        self.wrong: list[BaseException] = []
        self.broken = 0
        self._address = address
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(f"{generation}-{n}",)) for n in range(CLIENTS)]

    def _run(self, name: str) -> None:
        number = 0
        with Client(self._address) as client:
            while not self._ending.is_set() and not self.wrong:
                tag = f"client-{name}-{number}"
                try:
                    client.push(small(tag), tag)
                    client.pull(tag)
                    number += 1
                except (OSError, http.client.HTTPException):
                    self.broken += 1
                    self._ending.wait(0.05)
                except (Refused, AssertionError) as problem:
                    self.wrong.append(problem)
            self.held.update(client.held)

    @contextmanager
    def going(self) -> Iterator[None]:
        """Under load."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._ending.set()
            for thread in self._threads:
                thread.join(120)
        assert not self.wrong, self.wrong


def _pull(server: OrlopServer, held: dict[str, Pushable]) -> None:
    with Client(server.address) as client:
        client.held.update(held)
        client.pull_everything()


def _workers(server: OrlopServer) -> set[int]:
    return set(server.workers())


def test_a_killed_worker_is_replaced_while_the_others_serve(tmp_path: Path) -> None:
    with running(tmp_path, workers=2) as server:
        load = _Load(server.address)
        with load.going():
            for _ in range(KILLS // 2):
                before = _workers(server)
                killed = min(before)
                os.kill(killed, signal.SIGKILL)
                with Client(server.address) as client:
                    assert _answers(client), "nobody serves"
                deadline = time.monotonic() + 30
                while len(_workers(server) - {killed}) < 2:
                    assert time.monotonic() < deadline, "the worker is not replaced"
                    time.sleep(0.05)
                time.sleep(0.5)
        assert load.held
        _pull(server, load.held)
    assert_clean(server.data)


def _answers(client: Client) -> bool:
    """Whether there is an answer within a few attempts: a connection may still go to the killed worker's queue."""
    for _ in range(5):
        try:
            return client.ask("GET", "/v2/").status == 200
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
    return False


def test_a_killed_server_comes_back_with_everything_it_acknowledged(tmp_path: Path) -> None:
    choice = random.Random(0)
    held: dict[str, Pushable] = {}
    with running(tmp_path, workers=2) as server:
        for generation in range(KILLS):
            load = _Load(server.address, generation)
            with load.going():
                time.sleep(0.5 + choice.random())
                server.kill()
            held |= load.held
            server.start()
            assert server.busy_seconds() < 5, "the start takes too long"
            _pull(server, held)
        assert len(held) >= KILLS
    assert_clean(server.data)


def test_abandoned_uploads_expire(tmp_path: Path) -> None:
    with running(tmp_path, workers=2, uploads_expire="20s") as server:
        threads = [threading.Thread(target=_abandon, args=(server.address, ABANDONED // 4)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(300)
        assert len(os.listdir(server.data / "uploads")) == ABANDONED // 20
        time.sleep(20)
        removed = 0
        deadline = time.monotonic() + 60
        while _sessions(server) and time.monotonic() < deadline:  # the server clears them away too, now and then
            code, said = orlop("gc", server.data)
            assert code == 0
            removed += said["uploads"]
        assert _sessions(server) == 0
        assert os.listdir(server.data / "uploads") == []
        with Client(server.address) as client:
            client.push(small("after"), "after")
            client.pull_everything()
    assert_clean(server.data)


def _abandon(address: str, number: int) -> None:
    with Client(address) as client:
        for count in range(number):
            answer = client.ask("POST", f"/v2/{REPOSITORY}/blobs/uploads/", b"")
            assert answer.status == 202
            if count % 20 == 0:
                assert client.ask("PATCH", answer.headers["location"], b"never finished").status == 202


def _sessions(server: OrlopServer) -> int:
    with Client(server.address) as client:
        for line in client.ask("GET", "/metrics").body.decode().splitlines():
            if line.startswith("orlop_uploads"):
                return int(float(line.split()[-1]))
    raise AssertionError("the metrics do not tell the number of uploads")
