"""Jobs on three processes that are killed, frozen and told to stop: none is lost, and none has two effects by one
fence."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from orlop.adapters.sql.catalog import OpenCatalog
from orlop.bootstrap.clocks import SystemClock
from orlop.domain.pages import PageRequest
from orlop.domain.queue import ENDED, Job, JobState, Order
from orlop.ports.catalog import By
from tests.catalogs import empty_catalog
from tests.faults.queueing import AT_ONCE, WAIT, opened_at
from tests.serving import unhurried
from tests.volume import told, volume

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
JOBS = volume(200, 10_000)
#: How long a job takes at most, and how long there is between two kills, in seconds.
LONGEST, KILL_EVERY = volume(1.5, 5.0), 2.0
#: How long a job is leased, in milliseconds.
LEASE = 2_000
CANCELLED = volume(50, 500)


class Floor:
    """A catalog with jobs, and processes that do them."""

    def __init__(self, folder: Path, place: str) -> None:
        self.place = place
        self.effects = folder / "effects"
        self.effects.touch()
        self.log = folder / "log"
        self.opened: OpenCatalog | None = None
        self.processes: set[int] = set()
        command = [sys.executable, "-m", "tests.faults.queueing", place, str(self.effects), str(LEASE)]
        with self.log.open("ab") as log:
            self._nursery = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )

    def open(self) -> OpenCatalog:
        """The catalog, in this process."""
        if self.opened is None:
            self.opened = opened_at(self.place)
        return self.opened

    def begin(self) -> int:
        """One more process."""
        process = self._asked("begin")
        self.processes.add(process)
        return process

    def end(self, process: int, how: signal.Signals) -> int:
        """End a process; its exit code."""
        self.processes.remove(process)
        os.kill(process, how)
        return self._asked(f"end {process}")

    def _asked(self, what: str) -> int:
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        print(what, file=self._nursery.stdin, flush=True)
        return int(self._nursery.stdout.readline())

    async def ask(self, count: int, longest: float, least: float = 0.0) -> list[int]:
        """New jobs, each of which takes a time between these."""
        jobs = self.open().queue.jobs

        async def one(number: int) -> int:
            seconds = least + (longest - least) * number / count
            made = await jobs.ask(Order(kind=WAIT.kind, arguments={"seconds": seconds}), by())
            assert made is not None
            return made.id

        numbers = []
        for start in range(0, count, 100):
            numbers += await asyncio.gather(*map(one, range(start, min(start + 100, count))))
        return numbers

    async def job(self, number: int) -> Job:
        """A job as it is now."""
        found = await self.open().queue.jobs.get(number)
        assert found is not None
        return found

    async def until(self, number: int, *states: JobState) -> Job:
        """A job, once it stands there."""
        async with asyncio.timeout(60):
            while (found := await self.job(number)).state not in states:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.05)
        return found

    async def left(self) -> int:
        """How many jobs have not ended."""
        return sum(depth.waiting + depth.running for depth in await self.open().queue.history.depths(0))

    async def all(self) -> list[Job]:
        """Every job."""
        found: list[Job] = []
        more = True
        while more:
            after = str(found[-1].id) if found else ""
            page = await self.open().queue.jobs.page(PageRequest(1_000, after))
            found, more = [*found, *page.items], page.more
        return found

    def had(self) -> list[tuple[int, int]]:
        """Every effect: the number of a job, and its fence."""
        lines = self.effects.read_text().splitlines()
        return [(int(job), int(fence)) for job, fence in map(str.split, lines)]

    async def close(self) -> None:
        """End all processes, well."""
        for process in list(self.processes):
            # One that has only begun does not know yet how to end well.
            assert self.end(process, signal.SIGTERM) in (0, -signal.SIGTERM), self.log.read_text()[-4_000:]
        if self.opened is not None:
            await self.opened.engine.close()
            self.opened = None
        assert "Traceback" not in self.log.read_text(), self.log.read_text()[-4_000:]

    def kill(self) -> None:
        """Leave nothing behind."""
        for process in list(self.processes):
            self.end(process, signal.SIGKILL)
        self._nursery.communicate(timeout=30)


def by() -> By:
    """Somebody, now."""
    return By("alice", SystemClock().now())


@pytest.fixture(params=["sqlite", "postgres"])
def floor(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Floor]:
    """One on each engine."""
    if request.param == "postgres":
        place = request.getfixturevalue("postgres").catalog()
    else:
        (tmp_path / "catalog").mkdir()
        empty_catalog(tmp_path / "catalog")
        place = str(tmp_path / "catalog")
    floor = Floor(tmp_path, place)
    yield floor
    floor.kill()


async def test_jobs_outlive_the_processes_that_do_them(floor: Floor) -> None:
    chance, kills, began = random.Random(5), 0, time.monotonic()
    numbers = await floor.ask(JOBS, LONGEST)
    running = [floor.begin() for _ in range(3)]
    deadline = time.monotonic() + volume(120, 3_600)
    while await floor.left():
        assert time.monotonic() < deadline, f"{await floor.left()} jobs have not ended"
        await asyncio.sleep(KILL_EVERY)
        assert floor.end(running.pop(chance.randrange(3)), signal.SIGKILL) == -signal.SIGKILL
        kills += 1
        running.append(floor.begin())
    await floor.close()
    effects = Counter(floor.had())
    assert max(effects.values()) == 1, "no fence has an effect twice"
    jobs = await floor.all()
    assert sorted(job.id for job in jobs) == sorted(numbers)
    for job in jobs:
        assert job.state is JobState.DONE, job
        assert effects[job.id, int(job.result)] == 1
        assert int(job.result) == job.fence == max(fence for number, fence in effects if number == job.id)
    again = len(effects) - len(jobs)
    assert again <= kills * AT_ONCE, "only what a kill hit between its effect and its end had another"
    told(
        "jobs on processes that are killed", jobs=len(jobs), kills=kills, again=again, seconds=time.monotonic() - began
    )
    await floor.open().engine.close()


async def test_a_job_that_is_cancelled_ends_within_a_second(floor: Floor) -> None:
    floor.begin()
    took: list[float] = []

    async def cancel(number: int) -> None:
        await floor.until(number, JobState.RUNNING)
        await asyncio.sleep(3 * random.Random(number).random())
        asked = time.monotonic()
        await floor.open().queue.jobs.cancel(number, by())
        ended = await floor.until(number, *ENDED)
        took.append(time.monotonic() - asked)
        assert ended.state is JobState.CANCELLED

    for _ in range(CANCELLED // 50):
        await asyncio.gather(*map(cancel, await floor.ask(50, 60, 60)))
    assert floor.had() == []
    took.sort()
    told("jobs that are cancelled", jobs=len(took), median=took[len(took) // 2], p99=took[len(took) * 99 // 100])
    assert took[len(took) * 99 // 100] < unhurried(1)
    await floor.close()


async def test_a_process_that_stood_still_for_twice_its_lease_changes_nothing(floor: Floor) -> None:
    frozen = floor.begin()
    [number] = await floor.ask(1, 0.5, 0.5)
    first = await floor.until(number, JobState.RUNNING)
    os.kill(frozen, signal.SIGSTOP)
    try:
        floor.begin()
        await asyncio.sleep(2 * LEASE / 1_000)
        done = await floor.until(number, JobState.DONE)
    finally:
        os.kill(frozen, signal.SIGCONT)
    await asyncio.sleep(1)
    assert await floor.job(number) == done
    assert (done.fence, done.owner != first.owner) == (first.fence + 1, True)
    assert floor.had() == [(number, done.fence)]
    await floor.close()
