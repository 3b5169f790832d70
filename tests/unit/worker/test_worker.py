"""The work in the background: one process at a time does a job, pull times are written, a lost lease ends the work."""

import asyncio

import pytest
import structlog

from orlop.adapters.sql.catalog import OpenCatalog
from orlop.domain.errors import Unavailable
from orlop.ports.catalog import Pull
from orlop.ports.clock import HOUR
from orlop.services.collection.garbage import Collected
from orlop.services.collection.upkeep import collecting, writing_pulls
from orlop.services.content.pulls import PullLog
from orlop.services.jobs import worker as module
from orlop.services.jobs.lasting_work import LastingWork
from orlop.services.jobs.worker import Chore, Job, Worker
from tests.catalogs import rows
from tests.content import image
from tests.contract.scene import APP, V1
from tests.registry import GRACE, HandClock, Registry, in_memory

ONE = image("one", ["base", "code"])


class Office:
    """A registry in memory, and any number of workers on it."""

    def __init__(self) -> None:
        self.clock = HandClock()
        damageable = in_memory(self.clock)
        self.registry = Registry(damageable.stores, self.clock)
        self.rows: OpenCatalog = damageable.rows
        self.leases = self.rows.leases
        self.pulls = PullLog(self.registry.stores.catalog.pulls, self.clock)
        self.runs: list[Collected] = []

    def jobs(self) -> tuple[Job, ...]:
        """What one process at a time does."""
        return collecting(
            self.registry.collection,
            self.clock,
            every=HOUR,
            grace=GRACE,
            done=lambda done, _seconds: self.runs.append(done),
        )

    def worker(self) -> Worker:
        """One more process."""
        return Worker(self.jobs(), [writing_pulls(self.pulls)], self.leases, self.clock, self.registry.ids)

    async def day(self, *workers: Worker) -> None:
        """Start workers and end them when they have done what is due."""
        for each in workers:
            each.start()
        await asyncio.sleep(0.05)
        for each in workers:
            await each.stop()


async def test_a_due_job_runs_once_however_many_processes_there_are() -> None:
    office = Office()
    await office.day(office.worker(), office.worker(), office.worker())
    assert len(office.runs) == 1


async def test_a_job_is_not_due_again_before_its_interval_is_over() -> None:
    office = Office()
    await office.day(office.worker())
    office.clock.at += HOUR - 1
    await office.day(office.worker())
    assert len(office.runs) == 1
    office.clock.at += 1
    await office.day(office.worker())
    assert len(office.runs) == 2


async def test_what_was_pulled_is_written_before_the_worker_ends() -> None:
    office = Office()
    await office.registry.push(APP, ONE, V1)
    worker = office.worker()
    worker.start()
    await asyncio.sleep(0.01)
    office.clock.at += 5
    [(row,)] = rows(office.rows, "SELECT id FROM manifests")
    office.pulls.seen(Pull(APP, ONE.digest, V1, row))
    office.pulls.seen(Pull(APP, ONE.digest, V1, row), counted=False)
    await worker.stop()
    pulled = rows(office.rows, "SELECT pulls, pulled_at FROM pulls WHERE tag = ?", V1)
    assert pulled == [(1, office.clock.at)]


async def test_a_defect_in_one_step_is_told_and_ends_nothing_else() -> None:
    office, steps = Office(), [0]

    async def defective() -> None:
        steps[0] += 1
        raise TypeError("a defect")

    async def never() -> str:
        raise TypeError("another")

    standing = LastingWork("stand", lambda _lease: defective(), office.leases, office.clock, "one", every=0.01)
    jobs = (Job("never", HOUR, never), *office.jobs())
    worker = Worker(
        jobs, [Chore("steps", 0.01, defective)], office.leases, office.clock, office.registry.ids, [standing]
    )
    with structlog.testing.capture_logs() as log:
        await office.day(worker)
    assert steps[0] > 3, "both went on"
    assert len(office.runs) == 1, "and what is behind the defective job is done"
    assert [entry["exc_info"] for entry in log if entry["log_level"] == "error"] == [True] * (steps[0] + 1)


async def test_work_ends_when_its_lease_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office()
    monkeypatch.setattr(module, "_LEASE", 30_000)  # 30 ms: renewed every ten
    begun, ended = asyncio.Event(), asyncio.Event()

    async def endless(_grace: int) -> Collected:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError

    monkeypatch.setattr(office.registry.collection, "run", endless)
    worker = office.worker()
    worker.start()
    await begun.wait()
    office.clock.at += HOUR
    stolen = await office.leases.acquire("collect", "somebody else", now=office.clock.at, until=office.clock.at + HOUR)
    assert stolen is not None
    await asyncio.wait_for(ended.wait(), 5)
    await worker.stop()
    assert office.runs == []
    assert await office.leases.release(stolen, now=office.clock.at, outcome="mine")


async def test_a_job_that_is_never_due_does_not_run() -> None:
    office, ran = Office(), []

    async def work() -> str:
        ran.append(1)
        return ""

    await office.day(Worker([Job("never", 0, work)], [], office.leases, office.clock, office.registry.ids))
    assert not ran


async def test_a_chore_that_fails_is_done_again_and_holds_up_no_other() -> None:
    office, tries, others = Office(), [], []

    async def failing() -> None:
        tries.append(1)
        raise Unavailable("not now")

    async def other() -> None:
        others.append(1)

    chores = [Chore("failing", 0.01, failing), Chore("other", 0.01, other)]
    await office.day(Worker([], chores, office.leases, office.clock, office.registry.ids))
    assert len(tries) > 1
    assert len(others) > 1


async def test_lasting_work_begins_soon_when_there_is_news_or_it_is_called() -> None:
    office, steps, count = Office(), [0], [0]

    async def step(_lease: object) -> None:
        steps[0] += 1

    work = LastingWork("stand", step, office.leases, office.clock, "one", every=30.0, news=lambda: count[0])
    work.start()

    async def stepped(times: int) -> None:
        async with asyncio.timeout(10):
            while steps[0] < times:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)

    await stepped(1)
    await asyncio.sleep(0.6)
    assert steps[0] == 1, "without news it waits"
    count[0] += 1
    await stepped(2)
    work.call()
    await stepped(3)
    await asyncio.sleep(0.3)
    assert steps[0] == 3
    await work.stop()


async def test_what_ends_lasting_work_is_done_while_the_lease_is_held() -> None:
    office, held = Office(), []

    async def step(_lease: object) -> None:
        pass

    async def last() -> None:
        other = await office.leases.acquire("stand", "two", now=office.clock.now(), until=office.clock.now() + 1)
        held.append(other is None)

    work = LastingWork("stand", step, office.leases, office.clock, "one", last=last)
    work.start()
    await asyncio.sleep(0.05)
    await work.stop()
    assert held == [True]
    assert await office.leases.acquire("stand", "two", now=office.clock.now(), until=office.clock.now() + 1)
