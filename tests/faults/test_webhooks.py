"""Workers are killed while they deliver: each event arrives, in order, and at most one more than once for each kill.

And ten thousand events a minute arrive beside a receiver that hangs.
"""

import asyncio
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from orlop.adapters.sql.catalog import OpenCatalog
from orlop.domain.events import Event, EventKind
from orlop.domain.webhooks.hook import WEBHOOKS
from orlop.ports.catalog import By
from orlop.ports.settings import Document
from tests.faults.auditing import opened_at
from tests.postgres import PostgresServer
from tests.receivers import Authority, Received, Receiver
from tests.serving import unhurried
from tests.volume import told, volume

pytestmark = pytest.mark.slow

PYTHON = sys.executable
REPOSITORIES = 3
ROOT = By("root", 1)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield str(tmp_path)
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    yield server.catalog()


async def hooked(opened: OpenCatalog, name: str, url: str, **rest: object) -> None:
    """A webhook of the whole registry."""
    body = WEBHOOKS.parse(name, {"url": url, "events": ["tag.*"], **rest})
    await opened.identity.documents.put(Document(WEBHOOKS.kind, name, msgspec.json.encode(body)), ROOT)


async def happen(opened: OpenCatalog, first: int, count: int, repositories: int) -> None:
    """Tags are set, each with a number, in one repository after the other."""
    now = time.time_ns() // 1000
    events = [
        Event(
            at=now, kind=EventKind.TAG_SET, actor="ann", repository=f"team/app{number % repositories}", tag=f"v{number}"
        )
        for number in range(first, first + count)
    ]
    await opened.audit.writer.write(events)


def worker_at(place: str) -> "subprocess.Popen[bytes]":
    """A worker that runs."""
    return subprocess.Popen([PYTHON, "-m", "tests.faults.hooking", place])


def number(received: Received) -> int:
    return int(received.json["data"]["tag"].removeprefix("v"))


async def test_each_event_arrives_through_kills_of_workers(place: str, tmp_path: Path) -> None:
    opened, receiver, authority = opened_at(place), Receiver(), Authority()
    kills_wanted = volume(2, 20) if place.startswith("postgresql:") else volume(5, 50)
    together = 40

    async def feed() -> None:
        for round_ in range(kills_wanted + 1):
            await happen(opened, round_ * together, together, REPOSITORIES)
            await asyncio.sleep(0.3)

    async with receiver.listening(authority.context(tmp_path)) as port:
        await hooked(opened, "all", f"https://localhost:{port}/x", ca_certificate=authority.pem)
        feeding = asyncio.create_task(feed())
        kills = 0
        while kills < kills_wanted:
            before = len(receiver.requests)
            worker = worker_at(place)
            try:
                async with asyncio.timeout(60):
                    target = before + random.randint(1, together // 2)
                    while len(receiver.requests) < min(target, together * (kills_wanted + 1)):  # noqa: ASYNC110
                        await asyncio.sleep(0.002)
                await asyncio.sleep(random.random() * 0.02)
            finally:
                worker.send_signal(signal.SIGKILL)
                worker.wait()
            kills += 1
        await feeding
        worker = worker_at(place)
        try:
            async with asyncio.timeout(120):
                while len({received.id for received in receiver.requests}) < together * (kills_wanted + 1):
                    assert worker.poll() is None
                    await asyncio.sleep(0.02)
        finally:
            worker.kill()
            worker.wait()
    await opened.engine.close()
    times = Counter(received.id for received in receiver.requests)
    again = sum(count - 1 for count in times.values())
    told("webhooks through kills", kills=kills_wanted, events=len(times), again=again)
    assert len(times) == together * (kills_wanted + 1)
    assert again <= kills_wanted
    for lane in range(REPOSITORIES):
        numbers = [number(each) for each in receiver.requests if number(each) % REPOSITORIES == lane]
        assert numbers == sorted(numbers), "an event that comes again comes before the next"


async def test_ten_thousand_events_a_minute_beside_a_receiver_that_hangs(tmp_path: Path) -> None:
    events = volume(1_000, 10_000)
    opened, receiver, hanging = opened_at(str(tmp_path)), Receiver(), Receiver()
    hanging.hangs = True
    async with receiver.listening() as port, hanging.listening() as other:
        await hooked(opened, "fast", f"http://127.0.0.1:{port}/x", parallel=4)
        await hooked(opened, "hangs", f"http://127.0.0.1:{other}/x", parallel=16)
        worker = worker_at(str(tmp_path))
        try:
            began = time.monotonic()
            for first in range(0, events, 100):
                await happen(opened, first, 100, 20)
            async with asyncio.timeout(120):
                while len(receiver.requests) < events:  # noqa: ASYNC110 - nothing tells
                    await asyncio.sleep(0.02)
            took = time.monotonic() - began
        finally:
            worker.kill()
            worker.wait()
    await opened.engine.close()
    told("webhooks beside one that hangs", events=events, seconds=took, a_minute=events / took * 60)
    assert len({received.id for received in receiver.requests}) == events
    assert hanging.requests
    assert took < unhurried(events / 10_000 * 60 * volume(3, 1)), "so many in a minute; a short run has to start, too"
