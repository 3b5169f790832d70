"""A registry in memory with a queue, and any number of processes that do its jobs."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from orlop.adapters.sql.catalog import OpenCatalog
from orlop.domain.errors import RegistryError
from orlop.domain.job_kinds import JobKind
from orlop.domain.pages import PageRequest
from orlop.domain.queue import Job, JobState, Order
from orlop.ports.catalog import By
from orlop.ports.clock import HOUR, SECOND
from orlop.services.collection.garbage import Collected
from orlop.services.collection.upkeep import collecting, writing_pulls
from orlop.services.content.pulls import PullLog
from orlop.services.jobs.queue import JobWorker
from orlop.services.jobs.schedules import Schedules
from orlop.services.jobs.work import Run, Work
from orlop.services.jobs.worker import Worker
from orlop.services.read_only.stores import StoreWrites
from tests.registry import GRACE, HandClock, Registry, in_memory
from tests.serving import PATIENCE


def kind(name: str = "stir", *, at_once: int = 1, attempts: int = 3) -> JobKind:
    """A kind of job that there is in tests alone."""
    return JobKind(kind=name, text="", at_once=at_once, attempts=attempts)


class Office:
    """A registry in memory, and any number of workers on it. `lease` in microseconds."""

    def __init__(self, lease: int = 30 * SECOND) -> None:
        self.clock = HandClock()
        damageable = in_memory(self.clock)
        self.registry = Registry(damageable.stores, self.clock)
        self.rows: OpenCatalog = damageable.rows
        self.blobs = damageable.blobs
        self.leases = self.rows.leases
        self.queue = self.rows.queue
        self.pulls = PullLog(self.registry.stores.catalog.pulls, self.clock)
        self.runs: list[Collected] = []
        self.ended: list[tuple[str, str]] = []
        self.lease = lease
        self.pause: int | None = None
        self.refusal: RegistryError | None = None
        self.writes = StoreWrites(self._probe)

    def works(self) -> Sequence[Work]:
        """What the registry does by itself."""
        return collecting(
            self.registry.collection,
            self.clock,
            every=HOUR,
            grace=GRACE,
            done=lambda done, _seconds: self.runs.append(done),
        )

    def schedules(self, works: Sequence[Work]) -> Schedules:
        """When these run by themselves."""
        documents, changes = self.rows.identity.documents, self.rows.settings_changes
        return Schedules(works, self.queue.timetable, documents, changes, self.clock, lambda: 0.0)

    def jobs(self, works: Sequence[Work] | None = None) -> JobWorker:
        """One more process, by what it does."""
        works = self.works() if works is None else works
        return JobWorker(
            works,
            self.queue.claims,
            self.rows.queue_changes,
            self.schedules(works),
            self.clock,
            lambda: 0.0,
            self.registry.ids.new(),
            ended=lambda name, how: self.ended.append((name, how)),
            lease=self.lease,
            pause=self._paused,
            is_refused=self.writes.is_refused,
        )

    async def _paused(self) -> int | None:
        return 0 if self.writes.reason else self.pause

    async def _probe(self) -> None:
        if self.refusal is not None:
            raise self.refusal

    def worker(self, works: Sequence[Work] | None = None) -> Worker:
        """The same, with the chores that every process does."""
        return Worker(self.jobs(works), [writing_pulls(self.pulls)])

    async def day(self, *workers: Worker) -> None:
        """Start workers and end them when they have done what is due."""
        for each in workers:
            each.start()
        await asyncio.sleep(0.05)
        for each in workers:
            await each.stop()

    async def ask(self, name: str = "stir", **order: object) -> Job:
        """A new job."""
        made = await self.queue.jobs.ask(Order(kind=name, **order), self.by())  # type: ignore[arg-type]
        assert made is not None
        return made

    async def job(self, number: int) -> Job:
        """A job as it is now."""
        found = await self.queue.jobs.get(number)
        assert found is not None
        return found

    async def all(self) -> list[Job]:
        """Every job, oldest first."""
        return list((await self.queue.jobs.page(PageRequest())).items)[::-1]

    async def state(self, number: int, state: JobState) -> Job:
        """A job, once it stands there."""
        async with asyncio.timeout(PATIENCE):
            while (found := await self.job(number)).state is not state:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)
        return found

    def by(self) -> By:
        """Somebody."""
        return By("alice", self.clock.at)


def work(do: Callable[[Run], Awaitable[str]], name: str = "stir", every: int = 0, *, attempts: int = 3) -> Work:
    """How a kind that there is in tests alone is done."""
    return Work(kind(name, attempts=attempts), do, every)
