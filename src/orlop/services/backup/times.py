"""When scheduled backups are due: one job each time, whoever of all processes asks first."""

from collections.abc import Callable

import msgspec
import structlog

from orlop.domain.backup_schedules import BACKUP_SCHEDULES, BackupSchedule
from orlop.domain.errors import RequestInvalid
from orlop.domain.job_kinds import BACKUP
from orlop.domain.queue import Order
from orlop.ports.clock import Clock
from orlop.ports.events import Changes
from orlop.ports.queue import Planned, Timetable
from orlop.ports.settings import Document, Documents
from orlop.services.jobs.due import DueJob, text_of

_log = structlog.get_logger("orlop.backup")


class ScheduleInForce(msgspec.Struct, frozen=True):
    """A schedule as its setting says. `changed_at`: when it was set."""

    name: str
    identity: str
    body: BackupSchedule
    changed_at: int


async def schedules(documents: Documents) -> tuple[ScheduleInForce, ...]:
    """Every schedule that is set and that this release can read, by name."""
    return tuple(
        found for document in await documents.all(BACKUP_SCHEDULES.kind) if (found := _scheduled(document)) is not None
    )


def _scheduled(document: Document) -> ScheduleInForce | None:
    try:
        body = BACKUP_SCHEDULES.parse(document.name, msgspec.json.decode(document.body, type=dict))
    except (msgspec.MsgspecError, RequestInvalid) as error:
        _log.error("a schedule of backups cannot be read by this release", schedule=document.name, reason=str(error))
        return None
    return ScheduleInForce(document.name, document.identity, body, document.changed_at)


def order_of(name: str) -> Order:
    """The job that makes a backup; there is one of a schedule at a time."""
    return Order(kind=BACKUP.kind, arguments={"schedule": name}, once=_entry(name))


class BackupTimes:
    """See services.jobs.due.Timed. `changes` moves with every change of a setting."""

    def __init__(
        self,
        documents: Documents,
        changes: Changes,
        timetable: Timetable,
        clock: Clock,
        chance: Callable[[], float],
    ) -> None:
        self._documents = documents
        self._changes = changes
        self._timetable = timetable
        self._due = DueJob(timetable, clock, chance)
        self._known: tuple[int | None, tuple[ScheduleInForce, ...]] = None, ()

    def moved(self) -> int | None:
        """See Timed."""
        return self._changes.current()

    async def run_due(self) -> int | None:
        """See Timed."""
        wanted = [each for each in await self._all() if each.body.enabled]
        if not wanted:
            return None
        planned = {each.kind: each for each in await self._timetable.all()}
        times = [
            await self._due.run(
                planned.get(_entry(each.name)),
                each.body.schedule,
                order_of(each.name),
                _entry(each.name),
                _text(each),
            )
            for each in wanted
        ]
        return min(times)

    async def next_of(self, wanted: tuple[ScheduleInForce, ...]) -> dict[str, int]:
        """When each is due next, by name, in microseconds since 1970; only those that are planned."""
        planned: dict[str, Planned] = {each.kind: each for each in await self._timetable.all()}
        return {
            each.name: plan.next_at
            for each in wanted
            if each.body.enabled and (plan := planned.get(_entry(each.name))) and plan.schedule == _text(each)
        }

    async def _all(self) -> tuple[ScheduleInForce, ...]:
        count = self._changes.current()
        if count is None or count != self._known[0]:
            found = await schedules(self._documents)
            self._known = (count if count == self._changes.current() else None), found
        return self._known[1]


def _entry(name: str) -> str:
    """Its name in the timetable, where the kinds of jobs stand, which have no space."""
    return f"{BACKUP.kind} {name}"


def _text(scheduled: ScheduleInForce) -> str:
    """One that is set anew is another schedule."""
    return f"{text_of(scheduled.body.schedule)} {scheduled.identity}"
