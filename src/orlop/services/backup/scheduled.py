"""Does the jobs of scheduled backups: makes one, lets old ones go, drills the newest where that is due, and writes down
how it went. The work itself is done by a `BackupWorker`, away from those who serve."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from orlop.domain.access.subjects import SYSTEM
from orlop.domain.counts import counted
from orlop.domain.durations import MINUTE
from orlop.domain.errors import NotFound, RequestInvalid
from orlop.domain.fields import nearest
from orlop.domain.job_kinds import BACKUP, BACKUP_DRILL, BackupArguments
from orlop.domain.queue import Order, Progress
from orlop.domain.sizes import size_words
from orlop.ports.backups import (
    BackupFailed,
    BackupOrder,
    BackupRecords,
    BackupRun,
    BackupWork,
    BackupWorker,
    DrilledBackup,
    MadeBackup,
)
from orlop.ports.by import By
from orlop.ports.clock import Clock
from orlop.ports.queue import Jobs
from orlop.ports.settings import Documents
from orlop.services.backup.times import ScheduleInForce, schedules
from orlop.services.jobs.work import Run, Work

T = TypeVar("T")

#: How long it is waited for whoever is at the same work, in microseconds, and between two looks, in seconds. The lock
#: of a bucket is nobody's ten minutes after its holder was killed.
_PATIENCE, _PAUSE = 15 * MINUTE, 10.0


def drill_order(name: str) -> Order:
    """The job that drills; there is one of a schedule at a time."""
    return Order(kind=BACKUP_DRILL.kind, arguments={"schedule": name}, once=f"{BACKUP_DRILL.kind} {name}")


class ScheduledBackups:
    """See the module. `sleep` takes seconds."""

    def __init__(
        self,
        documents: Documents,
        records: BackupRecords,
        worker: BackupWorker,
        jobs: Jobs,
        clock: Clock,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._documents = documents
        self._records = records
        self._worker = worker
        self._jobs = jobs
        self._clock = clock
        self._sleep = sleep

    def works(self) -> tuple[Work, ...]:
        """Both kinds of job. Neither runs by itself: `BackupTimes` asks for backups, and these for drills."""
        return Work(BACKUP, self._back_up), Work(BACKUP_DRILL, self._drill)

    async def _back_up(self, run: Run) -> str:
        known = await schedules(self._documents)
        await self._records.forget([each.name for each in known])
        wanted = _wanted(run, known)
        before, started = await self._before(wanted, BackupWork.BACKUP), self._clock.now()
        try:
            made = await self._patiently(run, lambda: self._worker.make(_order(wanted, run), run.tell))
        except BackupFailed as failure:
            await self._failed(before, run, started, failure.message)
            raise
        error = _lacking(made)
        told = msgspec.structs.replace(
            before,
            job=run.job,
            tried_at=started,
            done_at=made.made.at if not made.made.damaged else before.done_at,
            backup=made.made.name,
            blobs=made.made.blobs,
            bytes=made.made.bytes,
            new_bytes=made.new_bytes,
            lasted=self._clock.now() - started,
            failures=before.failures + 1 if error else 0,
            error=error,
        )
        await self._records.tell(told, self._by(), made.seen)
        if await self._drill_is_due(wanted):
            await self._jobs.ask(drill_order(wanted.name), self._by())
        return _words(made, error)

    async def _drill(self, run: Run) -> str:
        wanted = _wanted(run, await schedules(self._documents))
        before, started = await self._before(wanted, BackupWork.DRILL), self._clock.now()
        try:
            done = await self._patiently(run, lambda: self._worker.drill(_order(wanted, run), run.tell))
        except BackupFailed as failure:
            # What was restored last time is not what failed now.
            await self._failed(msgspec.structs.replace(before, backup=""), run, started, failure.message)
            raise
        error = _wrong(done)
        told = msgspec.structs.replace(
            before,
            job=run.job,
            tried_at=started,
            done_at=before.done_at if error else started,
            backup=done.name,
            blobs=done.blobs,
            lasted=self._clock.now() - started,
            failures=before.failures + 1 if error else 0,
            error=error,
        )
        await self._records.tell(told, self._by())
        if error:
            raise BackupFailed(error)
        manifests, blobs = counted(done.manifests, "manifest"), counted(done.blobs, "blob")
        return f"restored {done.name} and verified {manifests} and {blobs}: nothing wrong"

    async def _patiently(self, run: Run, work: Callable[[], Awaitable[T]]) -> T:
        """Do it as soon as nobody else is at it. Raises BackupFailed."""
        until = self._clock.now() + _PATIENCE
        while True:
            try:
                return await work()
            except BackupFailed as failure:
                if not failure.occupied or self._clock.now() >= until:
                    raise
                run.tell(Progress(text=f"waits: {failure.message}"))
            await self._sleep(_PAUSE)

    async def _before(self, wanted: ScheduleInForce, work: BackupWork) -> BackupRun:
        """How it went before, at the same target."""
        found = await self._records.run(wanted.name, work)
        if found is None or found.target != wanted.body.to:
            return BackupRun(schedule=wanted.name, work=work, target=wanted.body.to)
        return found

    async def _failed(self, before: BackupRun, run: Run, started: int, error: str) -> None:
        told = msgspec.structs.replace(
            before,
            job=run.job,
            tried_at=started,
            lasted=self._clock.now() - started,
            failures=before.failures + 1,
            error=error,
        )
        await self._records.tell(told, self._by())

    async def _drill_is_due(self, wanted: ScheduleInForce) -> bool:
        length = wanted.body.drill.length
        if not length:
            return False
        last = await self._before(wanted, BackupWork.DRILL)
        return last.tried_at + length <= self._clock.now() or bool(last.error)

    def _by(self) -> By:
        return By(SYSTEM.name, self._clock.now())


def _wanted(run: Run, known: tuple[ScheduleInForce, ...]) -> ScheduleInForce:
    """Raises NotFound, RequestInvalid."""
    try:
        name = msgspec.convert(run.arguments, BackupArguments).schedule
    except msgspec.ValidationError as cause:
        raise RequestInvalid("the job names no schedule of backups; `orlop backup run NAME` does") from cause
    for each in known:
        if each.name == name:
            return each
    raise NotFound(f"there is no schedule {name!r} of backups{nearest(name, tuple(each.name for each in known))}")


def _order(wanted: ScheduleInForce, run: Run) -> BackupOrder:
    return BackupOrder(schedule=wanted.body, identity=wanted.identity, job=f"{BACKUP.kind}-{run.job}")


def _lacking(made: MadeBackup) -> str:
    if not made.made.damaged:
        return ""
    return f"{made.made.name} lacks {counted(made.made.damaged, 'blob')} that the registry itself has lost"


def _wrong(done: DrilledBackup) -> str:
    if not done.wrong:
        return ""
    return f"{done.name} was restored, and {counted(done.wrong, 'thing')} in it is wrong: {done.what}"


def _words(made: MadeBackup, error: str) -> str:
    one = made.made
    words = (
        f"{one.name}: {counted(one.blobs, 'blob')}, {size_words(one.bytes)}, of which {size_words(made.new_bytes)} were"
    )
    said = [f"{words} new", error]
    if made.gone:
        said.append(f"{counted(made.gone, 'backup')} let go")
    if made.prune_error:
        said.append(f"no old one was let go: {made.prune_error}")
    return "; ".join(part for part in said if part)
