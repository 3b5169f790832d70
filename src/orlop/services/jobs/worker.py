"""Work that nobody asked for: jobs that one process at a time does on schedule, chores that each does for itself."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import msgspec
import structlog

from orlop.domain.errors import RegistryError
from orlop.ports.clock import SECOND, Clock, Ids
from orlop.ports.jobs import Lease, Leases
from orlop.services.jobs.lasting_work import LastingWork

_log = structlog.get_logger("orlop.worker")

#: How often the schedule is looked at, in seconds.
_SCHEDULE_EVERY = 30.0

#: How long a job is leased, in microseconds; renewed at a third of it.
_LEASE = 60 * SECOND


class Job(msgspec.Struct, frozen=True):
    """Work for one process at a time: its name, how often it is due in microseconds (0: never), and what it is.

    `work` returns how it ended, for whoever looks at the jobs.
    """

    name: str
    every: int
    work: Callable[[], Awaitable[str]]


class Chore(msgspec.Struct, frozen=True):
    """What every process does for itself, every so many seconds and once more at its end. `what` is for the log."""

    what: str
    every: float
    step: Callable[[], Awaitable[object]]


class Worker:
    """One per process; leases see to it that a job runs in one process at a time."""

    def __init__(
        self,
        jobs: Sequence[Job],
        chores: Sequence[Chore],
        leases: Leases,
        clock: Clock,
        ids: Ids,
        standing: Sequence[LastingWork] = (),
    ) -> None:
        self._jobs = [job for job in jobs if job.every]
        self._chores = chores
        self._standing = standing
        self._leases = leases
        self._clock = clock
        self._owner = ids.new()
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin; needs a running event loop."""
        self._tasks = [
            asyncio.create_task(self._every(chore.every, partial(self._do, chore))) for chore in self._chores
        ]
        self._tasks.append(asyncio.create_task(self._every(_SCHEDULE_EVERY, self._run_due)))
        for standing in self._standing:
            standing.start()

    async def stop(self) -> None:
        """End after the step under way, and after every chore was done once more."""
        self._stopping.set()
        await asyncio.gather(*self._tasks)
        for chore in self._chores:
            await self._do(chore)
        for standing in self._standing:  # behind the chores, for what they wrote last
            await standing.stop()

    async def _every(self, seconds: float, step: Callable[[], Awaitable[None]]) -> None:
        while not self._stopping.is_set():
            await step()
            try:
                await asyncio.wait_for(self._stopping.wait(), seconds)
            except TimeoutError:
                continue

    async def _do(self, chore: Chore) -> None:
        try:
            await chore.step()
        except RegistryError as error:
            _log.warning("something was not written and is lost", what=chore.what, reason=error.message)
        except Exception:  # noqa: BLE001 - the last door: a defect of ours in one step is told, and does not end the rest
            _log.exception("something was not written and is lost", what=chore.what)

    async def _run_due(self) -> None:
        for job in self._jobs:
            await self._leased(job)

    async def _leased(self, job: Job) -> None:
        """Do a job if it is due and nobody else does it, holding the lease for as long as it takes."""
        now = self._clock.now()
        try:
            lease = await self._leases.acquire(
                job.name, self._owner, now=now, until=now + _LEASE, not_after=now - job.every
            )
            if lease is None:
                return
            await self._hold(lease, asyncio.ensure_future(job.work()))
        except RegistryError as error:
            _log.warning("the job failed and will be tried again", job=job.name, reason=error.message)
        except Exception:  # noqa: BLE001 - as above
            _log.exception("the job failed and will be tried again", job=job.name)

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
