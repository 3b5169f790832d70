"""Asks for one job whose time has come, once for all processes together, and writes down when its next one is due.

However long nobody looked, it runs once then: the next time is counted from now.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from orlop.domain.access import SYSTEM
from orlop.domain.queue import Order
from orlop.domain.schedules import Schedule
from orlop.ports.catalog import By
from orlop.ports.clock import SECOND, Clock
from orlop.ports.queue import Planned, Timetable

#: How soon to look again after somebody else wrote down the same time, in microseconds.
_SOON = SECOND


def text_of(schedule: Schedule) -> str:
    """A schedule as the timetable has it: another text is another schedule."""
    return msgspec.json.encode(schedule).decode()


class DueJob:
    """`chance` gives numbers from 0 to 1."""

    def __init__(self, timetable: Timetable, clock: Clock, chance: Callable[[], float]) -> None:
        self._timetable = timetable
        self._clock = clock
        self._chance = chance

    async def run(self, plan: Planned | None, schedule: Schedule, order: Order, entry: str, text: str = "") -> int:
        """Ask for it if it is due, as an entry of the timetable says, of which `plan` was read; when to look again.
        `text`: that of the schedule, where more than that tells it from another."""
        now, text = self._clock.now(), text or text_of(schedule)
        last_at = plan.last_at if plan is not None else 0
        if plan is None or plan.schedule != text:
            due = self._first(schedule, last_at, now)
        else:  # what was written by a clock that has been set back since is no later than by this one
            due = min(plan.next_at, schedule.following(now, 1))
        if due <= now:
            new = Planned(entry, text, schedule.following(now, self._chance()), now)
            written = await self._timetable.run(plan, new, order, By(SYSTEM.name, now))
        else:
            new = Planned(entry, text, due, last_at)
            written = new == plan or await self._timetable.plan(plan, new)
        return new.next_at if written else now + _SOON

    def _first(self, schedule: Schedule, last_at: int, now: int) -> int:
        """An interval counts from the last run, whatever it was before: replicas that are told different ones put each
        other off for no longer than that."""
        if not schedule.every:
            return schedule.following(now, self._chance())
        return schedule.following(last_at, 0) if last_at <= now else now


class Timed(Protocol):
    """What asks for jobs when their time has come."""

    def moved(self) -> object:
        """Another value as soon as a time may be another."""
        ...

    async def run_due(self) -> int | None:
        """Ask for what is due; when something is next, if anything ever is."""
        ...


class Together:
    """Several of them as one."""

    def __init__(self, times: Sequence[Timed]) -> None:
        self._times = tuple(times)

    def moved(self) -> object:
        """See Timed."""
        return tuple(each.moved() for each in self._times)

    async def run_due(self) -> int | None:
        """See Timed."""
        found = [await each.run_due() for each in self._times]
        return min((each for each in found if each is not None), default=None)
