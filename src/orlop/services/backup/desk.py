"""ScheduleInForce backups as people ask for them: how they go, what lies at their targets, and one more now."""

import msgspec

from orlop.domain.access import Caller
from orlop.domain.errors import Conflict, NotFound
from orlop.domain.fields import nearest
from orlop.domain.pages import Page, PageRequest
from orlop.domain.queue import Job, Order
from orlop.ports.backups import BackupRecords, BackupRun, BackupWork, StoredBackup
from orlop.ports.by import by
from orlop.ports.queue import Jobs
from orlop.ports.settings import Documents
from orlop.services.backup.scheduled import drill_order
from orlop.services.backup.times import BackupTimes, ScheduleInForce, order_of, schedules
from orlop.services.management.operations import Gate, Operation


class ScheduleStatus(msgspec.Struct, frozen=True):
    """How a schedule fares. `backup`, `drill`: how these went, None where none was tried at its target. Times are
    microseconds since 1970, 0 for never."""

    scheduled: ScheduleInForce
    next_at: int
    backup: BackupRun | None
    drill: BackupRun | None
    late_at: int
    """From when on the newest whole backup is too old; 0: nobody waits for one."""
    next_drill_at: int
    """From when on a drill follows the next backup; 0: none does by itself."""


async def standing(documents: Documents, records: BackupRecords) -> tuple[ScheduleStatus, ...]:
    """How each schedule fares, by name; when it is due next is left out."""
    found = {(run.schedule, run.work): run for run in await records.runs()}
    return tuple(
        _status(
            each,
            _at(found.get((each.name, BackupWork.BACKUP)), each),
            _at(found.get((each.name, BackupWork.DRILL)), each),
        )
        for each in await schedules(documents)
    )


def _at(run: BackupRun | None, scheduled: ScheduleInForce) -> BackupRun | None:
    """What went at another target says nothing of this one."""
    return run if run is not None and run.target == scheduled.body.to else None


def _status(scheduled: ScheduleInForce, backup: BackupRun | None, drill: BackupRun | None) -> ScheduleStatus:
    since = (backup.done_at if backup is not None else 0) or scheduled.changed_at
    length = scheduled.body.drill.length
    late_at = scheduled.body.late_at(since) if scheduled.body.enabled else 0
    next_drill_at = (drill.tried_at if drill is not None else scheduled.changed_at - length) + length if length else 0
    return ScheduleStatus(scheduled, 0, backup, drill, late_at, next_drill_at)


class BackupDesk:
    """For those who see the whole registry; backups are asked for by those who rule it."""

    def __init__(
        self, gate: Gate, documents: Documents, records: BackupRecords, jobs: Jobs, times: BackupTimes
    ) -> None:
        self._gate = gate
        self._documents = documents
        self._records = records
        self._jobs = jobs
        self._times = times

    async def status(self, caller: Caller) -> tuple[ScheduleStatus, ...]:
        """Every schedule, by name. Raises Denied."""
        await self._gate.check(caller, Operation.BACKUP_READ)
        found = await standing(self._documents, self._records)
        following = await self._times.next_of(tuple(each.scheduled for each in found))
        return tuple(msgspec.structs.replace(each, next_at=following.get(each.scheduled.name, 0)) for each in found)

    async def page(self, caller: Caller, schedule: str, page: PageRequest) -> Page[StoredBackup]:
        """What lay at the target of a schedule when it was looked at last, newest first. Raises Denied, NotFound."""
        await self._gate.check(caller, Operation.BACKUP_READ)
        await self._known(schedule)
        return await self._records.page(schedule, page)

    async def run(self, caller: Caller, schedule: str) -> Job:
        """Have a backup made now. Raises Denied, NotFound; Conflict where one waits or runs already."""
        return await self._ask(caller, schedule, order_of(schedule), "backup")

    async def drill(self, caller: Caller, schedule: str) -> Job:
        """Have the newest backup restored and verified now. Raises as `run` does."""
        return await self._ask(caller, schedule, drill_order(schedule), "drill")

    async def may_run(self, caller: Caller) -> bool:
        """Whether the caller may have backups made."""
        return await self._gate.may(caller, Operation.BACKUP_RUN)

    async def _ask(self, caller: Caller, schedule: str, order: Order, what: str) -> Job:
        await self._gate.check(caller, Operation.BACKUP_RUN)
        await self._known(schedule)
        made = await self._jobs.ask(order, by(caller, self._gate.now()))
        if made is None:
            raise Conflict(
                f"a {what} of {schedule} waits or runs already; orlop jobs ls --kind {order.kind} has it",
                {"schedule": schedule},
            )
        return made

    async def _known(self, schedule: str) -> None:
        names = tuple(each.name for each in await schedules(self._documents))
        if schedule not in names:
            raise NotFound(
                f"there is no schedule {schedule[:63]!r} of backups{nearest(schedule, names)}",
                {"schedule": schedule[:63]},
            )
