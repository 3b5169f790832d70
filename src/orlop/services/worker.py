"""Work that nobody asked for: writing pull times, clearing abandoned uploads, collecting garbage on schedule."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import structlog

from orlop.domain.errors import RegistryError
from orlop.ports.clock import SECOND, Clock, Ids
from orlop.ports.jobs import Lease, Leases
from orlop.services.collection import Collected, Collection
from orlop.services.pulls import PullLog

_log = structlog.get_logger("orlop.worker")

#: How often pull times are written, and how often the schedule is looked at, in seconds.
_PULLS_EVERY = 15.0
_SCHEDULE_EVERY = 30.0

#: How long a job is leased, in microseconds; renewed at a third of it.
_LEASE = 60 * SECOND


class Schedule(msgspec.Struct, frozen=True):
    """How often jobs run and how long garbage keeps, in microseconds; `collect_every` 0 means never."""

    expire_every: int
    collect_every: int
    grace: int


class Worker:
    """One per process; leases see to it that a job runs in one process at a time."""

    def __init__(
        self,
        pulls: PullLog,
        collection: Collection,
        leases: Leases,
        clock: Clock,
        ids: Ids,
        schedule: Schedule,
        collected: Callable[[Collected, float], None],
    ) -> None:
        self._pulls = pulls
        self._collection = collection
        self._leases = leases
        self._clock = clock
        self._owner = ids.new()
        self._schedule = schedule
        self._collected = collected
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin; needs a running event loop."""
        self._tasks = [
            asyncio.create_task(self._every(_PULLS_EVERY, self._flush)),
            asyncio.create_task(self._every(_SCHEDULE_EVERY, self._run_due)),
        ]

    async def stop(self) -> None:
        """End after the step under way, with every pull written."""
        self._stopping.set()
        await asyncio.gather(*self._tasks)
        await self._flush()

    async def _every(self, seconds: float, step: Callable[[], Awaitable[None]]) -> None:
        while not self._stopping.is_set():
            await step()
            try:
                await asyncio.wait_for(self._stopping.wait(), seconds)
            except TimeoutError:
                continue

    async def _flush(self) -> None:
        try:
            await self._pulls.flush()
        except RegistryError as error:
            _log.warning("pull times were not written", reason=error.message)

    async def _run_due(self) -> None:
        await self._leased("expire-uploads", self._schedule.expire_every, self._expire)
        if self._schedule.collect_every:
            await self._leased("collect", self._schedule.collect_every, self._collect)

    async def _expire(self) -> str:
        return f"{await self._collection.expire_uploads()} uploads expired"

    async def _collect(self) -> str:
        started = self._clock.now()
        done = await self._collection.run(self._schedule.grace)
        self._collected(done, (self._clock.now() - started) / SECOND)
        return msgspec.json.encode(done).decode()

    async def _leased(self, job: str, every: int, work: Callable[[], Awaitable[str]]) -> None:
        """Do `work` if it is due and nobody else does it, holding the lease for as long as it takes."""
        now = self._clock.now()
        try:
            lease = await self._leases.acquire(job, self._owner, now=now, until=now + _LEASE, not_after=now - every)
            if lease is None:
                return
            await self._hold(lease, asyncio.ensure_future(work()))
        except RegistryError as error:
            _log.warning("the job failed and will be tried again", job=job, reason=error.message)

    async def _hold(self, lease: Lease, running: asyncio.Future[str]) -> None:
        """Renew a lease until the work is done; stop the work when the lease is lost, or cannot be renewed."""
        try:
            while not (await asyncio.wait({running}, timeout=_LEASE / 3 / SECOND))[0]:
                renewed = await self._leases.renew(lease, until=self._clock.now() + _LEASE)
                if renewed is None:
                    _log.warning("the lease was lost; the job stops", job=lease.job)
                    return
                lease = renewed
            await self._leases.release(lease, now=self._clock.now(), outcome=running.result())
            _log.debug("job done", job=lease.job, outcome=running.result())
        finally:
            running.cancel()
