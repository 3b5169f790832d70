"""Any request of any session on any replica; and what clients notice when replicas come, go, freeze and die."""

import os
import random
import signal
import socket
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.content import blob
from tests.faults.pushing import REPOSITORY, Answer, Client, small
from tests.fleet import fleet
from tests.postgres import PostgresServer
from tests.replicas.crowd import PACE, PULLING, PUSHING, Crowd
from tests.s3 import S3Server
from tests.servers import OrlopServer
from tests.serving import eventually, unhurried
from tests.volume import told, volume

pytestmark = pytest.mark.slow

#: Replicas are killed so often at least, and for so many seconds.
KILLS, LASTING = 20, volume(0, 600)
#: A replica is frozen so often, each time with so many uploads under way.
PAUSES, UNDER_WAY = volume(5, 50), 4
#: A replica is killed every two seconds. On a busy machine a start takes longer, so there have to be more of them.
EVERY, REPLICAS, AWAY = 2.0, volume(3, 6), volume(1, 3)


def test_a_session_goes_on_wherever_its_next_request_arrives(
    tmp_path: Path, postgres: PostgresServer, store: S3Server
) -> None:
    """Every request goes to another replica: the chunks, the end, what is asked in between, and the pull."""
    large = blob("large", 40 * 1024 * 1024 + 17)
    with fleet(tmp_path, postgres, store) as replicas, Client(replicas.address) as client:
        for number in range(6):
            client.push(small(f"image {number}"), f"v{number}")
        client.pull_everything()
        location = client.ask("POST", f"/v2/{REPOSITORY}/blobs/uploads/", b"").headers["location"]
        for start in range(0, large.size, 7_000_001):
            chunk = large.content[start : start + 7_000_001]
            span = f"{start}-{start + len(chunk) - 1}"
            answer = client.ask("PATCH", location, chunk, content_range=span)
            assert (answer.status, answer.headers["range"]) == (202, f"0-{start + len(chunk) - 1}")
            assert client.ask("GET", location).headers["range"] == answer.headers["range"]
        assert client.ask("PUT", f"{location}?digest={large.digest}", b"").status == 201
        assert client.ask("GET", f"/v2/{REPOSITORY}/blobs/{large.digest}").body == large.content
        logs = [replica.access_log for replica in replicas.replicas]
        eventually("each of them served somebody", lambda: all(log.stat().st_size for log in logs))
        replicas.verify()


def test_what_changes_on_one_replica_is_seen_on_all_within_a_second(
    tmp_path: Path, postgres: PostgresServer, store: S3Server
) -> None:
    with fleet(tmp_path, postgres, store) as replicas, ExitStack() as stack:
        first, *others = [stack.enter_context(Client(replica.address)) for replica in replicas.replicas]
        for number in range(10):
            what = small(f"generation {number}")
            first.push(what, "latest")
            assert _latest(first).body == what.content, "the replica that took the push does not know it"
            acknowledged = time.monotonic()
            for other in others:
                while _latest(other).body != what.content:
                    assert time.monotonic() - acknowledged < unhurried(1.5), (
                        "another replica still serves what was replaced"
                    )
        assert first.ask("DELETE", f"/v2/{REPOSITORY}/manifests/latest").status == 202
        assert _latest(first).status == 404
        deleted = time.monotonic()
        for other in others:
            while _latest(other).status != 404:
                assert time.monotonic() - deleted < unhurried(1.5), "another replica still serves what was deleted"


def _latest(client: Client) -> Answer:
    return client.ask("GET", f"/v2/{REPOSITORY}/manifests/latest")


def test_replicas_that_are_killed_take_no_image_with_them(
    tmp_path: Path, postgres: PostgresServer, store: S3Server
) -> None:
    """A client that tries once more never fails, and every push that was acknowledged is there."""
    with fleet(tmp_path, postgres, store, count=REPLICAS, uploads_lease="1s") as replicas:
        crowd = Crowd(replicas.address, pushing=PUSHING, pulling=PULLING, pace=PACE)
        began = time.monotonic()
        with crowd.going():
            _kill(replicas.replicas, crowd)
        told("replicas killed", seconds=round(time.monotonic() - began), kills=len(crowd.kills), **crowd.figures())
        crowd.check()
        report = replicas.verify()
        told("replicas killed, then verified", read=report["read"])


def _kill(replicas: list[OrlopServer], crowd: Crowd) -> None:
    """One after the other at random, and start it again; so many are never away at once that none is left."""
    choice = random.Random(1)
    with ThreadPoolExecutor(AWAY) as reviving:
        revived: dict[OrlopServer, Future[None]] = {}
        began = time.monotonic()
        while (len(crowd.kills) < KILLS or time.monotonic() - began < LASTING) and not crowd.wrong:
            last = crowd.kills[-1] if crowd.kills else began
            time.sleep(max(0.0, last + EVERY - time.monotonic()))
            while len(away := [replica for replica, start in revived.items() if not start.done()]) >= AWAY:
                wait([revived[replica] for replica in away], return_when=FIRST_COMPLETED)
            for start in revived.values():
                assert not start.done() or start.exception() is None, start.exception()
            victim = choice.choice([replica for replica in replicas if replica not in away])
            crowd.kills.append(time.monotonic())
            victim.kill()
            revived[victim] = reviving.submit(victim.start)


def test_a_rolling_restart_fails_nobody(tmp_path: Path, postgres: PostgresServer, store: S3Server) -> None:
    """Not even a client that never tries twice."""
    with fleet(tmp_path, postgres, store) as replicas:
        crowd = Crowd(replicas.address, pushing=PUSHING, pulling=PULLING, pace=PACE)
        with crowd.going():
            for replica in replicas.replicas:
                time.sleep(1)
                assert replica.stop() == 0
                replica.start()
            time.sleep(1)
        assert not crowd.again, "a request failed while a replica went and came back"
        crowd.check()
        replicas.verify()


def test_a_replica_that_froze_writes_nothing_once_it_thaws(
    tmp_path: Path, postgres: PostgresServer, store: S3Server
) -> None:
    """Its lease ran out while it slept, and another replica finished the upload: its own part comes too late."""
    catalog = postgres.catalog()
    with fleet(tmp_path, postgres, store, catalog_url=catalog, uploads_lease="1s") as replicas:
        frozen, awake, _ = replicas.replicas
        for number in range(PAUSES):
            pieces = [blob(f"frozen {number} {each}", 300_000) for each in range(UNDER_WAY)]
            with Client(awake.address) as client:
                locations = [
                    client.ask("POST", f"/v2/{REPOSITORY}/blobs/uploads/", b"").headers["location"] for _ in pieces
                ]
                halfways = []
                for location, what in zip(locations, pieces, strict=True):
                    assert client.ask("PATCH", location, what.content[:100_000]).status == 202
                    halfways.append(_Halfway(frozen.address, location, what.content[100_000:]))
                held = "SELECT FROM uploads WHERE lease_until > 0"
                eventually("it holds the sessions", lambda: len(postgres.query(held, catalog)) == UNDER_WAY)  # noqa: B023
                _signal(frozen, signal.SIGSTOP)
                time.sleep(2)
                for location, what in zip(locations, pieces, strict=True):
                    assert client.ask("PATCH", location, what.content[100_000:]).status == 202
                _signal(frozen, signal.SIGCONT)
                for halfway, location, what in zip(halfways, locations, pieces, strict=True):
                    assert halfway.end() == 404, "the zombie was heard"
                    assert client.ask("PUT", f"{location}?digest={what.digest}", b"").status == 201
                    assert client.ask("GET", f"/v2/{REPOSITORY}/blobs/{what.digest}").body == what.content
        replicas.verify()


class _Halfway:
    """A request whose body stopped halfway."""

    def __init__(self, address: str, location: str, content: bytes) -> None:
        host, _, port = address.partition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=60)
        head = f"PATCH {location} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {len(content)}\r\n\r\n"
        self._rest = content[len(content) // 2 :]
        self._socket.sendall(head.encode() + content[: len(content) // 2])

    def end(self) -> int:
        """Send the rest; the status of the answer."""
        with self._socket:
            self._socket.sendall(self._rest)
            return int(self._socket.recv(64).split()[1])


def _signal(replica: OrlopServer, what: signal.Signals) -> None:
    for process in replica.processes():
        os.kill(process, what)
