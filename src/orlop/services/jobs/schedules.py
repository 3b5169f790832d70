"""Asks for jobs whose time has come: by the settings, or at the intervals that a kind has without one.

However long nobody looked, a kind runs once then: the next time is counted from now.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec
import structlog

from orlop.domain.queue import Order
from orlop.domain.schedules import JOB_SCHEDULES, Schedule
from orlop.ports.clock import SECOND, Clock
from orlop.ports.events import Changes
from orlop.ports.queue import Planned, Timetable
from orlop.ports.settings import Document, Documents
from orlop.services.jobs.due import DueJob, text_of
from orlop.services.jobs.work import Work

_log = structlog.get_logger("orlop.jobs")


class Scheduled(msgspec.Struct, frozen=True):
    """A kind of job and when it runs by itself: `next_at` and `last_at` in microseconds since 1970, 0 for never."""

    kind: str
    schedule: Schedule | None
    by_setting: bool
    next_at: int
    last_at: int


class Schedules:
    """`changes` moves with every change of a setting; `chance` gives numbers from 0 to 1."""

    def __init__(
        self,
        works: Sequence[Work],
        timetable: Timetable,
        documents: Documents,
        changes: Changes,
        clock: Clock,
        chance: Callable[[], float],
    ) -> None:
        self._without = {work.kind.kind: _interval(work.every) for work in works}
        self._timetable = timetable
        self._documents = documents
        self._changes = changes
        self._due = DueJob(timetable, clock, chance)
        self._count: int | None = None
        self._set: Mapping[str, Schedule] = {}

    def moved(self) -> int | None:
        """A number that is another one as soon as a schedule may be."""
        return self._changes.current()

    async def all(self) -> tuple[Scheduled, ...]:
        """Every kind, in order."""
        planned = {each.kind: each for each in await self._timetable.all()}
        found = []
        for kind, schedule, by_setting in await self._in_force():
            plan = planned.get(kind, Planned(kind, "", 0))
            runs = schedule is not None and schedule.enabled and plan.schedule == text_of(schedule)
            found.append(Scheduled(kind, schedule, by_setting, plan.next_at if runs else 0, plan.last_at))
        return tuple(found)

    async def run_due(self) -> int | None:
        """Ask for what is due; when something is next, if anything ever is."""
        planned = {each.kind: each for each in await self._timetable.all()}
        times = [
            await self._due.run(planned.get(kind), schedule, Order(kind=kind, once=f"schedule {kind}"), kind)
            for kind, schedule, _ in await self._in_force()
            if schedule is not None and schedule.enabled
        ]
        return min(times, default=None)

    async def _in_force(self) -> list[tuple[str, Schedule | None, bool]]:
        """Each kind, when it runs, and whether a setting says so."""
        count = self._changes.current()
        if count is None or count != self._count:
            documents = await self._documents.all(JOB_SCHEDULES.kind)
            self._set = {document.name: body for document in documents if (body := _body(document)) is not None}
            self._count = count if count == self._changes.current() else None
        return [(kind, self._set.get(kind, without), kind in self._set) for kind, without in self._without.items()]


def _interval(every: int) -> Schedule | None:
    return Schedule(every=-(-every // SECOND)) if every else None


def _body(document: Document) -> Schedule | None:
    try:
        return msgspec.json.decode(document.body, type=Schedule)
    except msgspec.MsgspecError as error:
        _log.error("a schedule cannot be read by this release", kind=document.name, reason=str(error))
        return None
