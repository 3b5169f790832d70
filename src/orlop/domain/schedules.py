"""When jobs run by themselves: at intervals, or as cron says in the time of some place.

Cron's five fields are read by cronsim, which does what Debian's cron does when clocks change: what falls into the hour
that is left out runs right behind it, what falls into the hour that comes twice runs once, and what runs every hour or
more often goes by the time that passes.
"""

import zoneinfo
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from cronsim import CronSim, CronSimError
from msgspec import Meta

from orlop.domain.access.actions import Action
from orlop.domain.durations import SECOND
from orlop.domain.job_kinds import job_kind
from orlop.domain.settings import SettingKind, nobody

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

#: The least interval that a setting may have, in seconds.
_LEAST = 10


class Schedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """When a kind of job runs: at the times of `cron`, or `every` so many seconds."""

    cron: Annotated[
        str,
        Meta(
            max_length=128,
            description="Minute, hour, day of month, month and day of week, as in `0 3 * * *`: at three every night.",
        ),
    ] = ""
    every: Annotated[int, Meta(ge=0, le=366 * 86_400, description="Seconds from one run to the next.")] = 0
    time_zone: Annotated[str, Meta(max_length=64, description="Whose clock `cron` goes by, as in `Europe/Berlin`.")] = (
        "UTC"
    )
    jitter: Annotated[
        int, Meta(ge=0, le=86_400, description="Up to so many seconds are added to each time, by chance.")
    ] = 0
    enabled: Annotated[bool, Meta(description="Whether it runs by itself.")] = True

    def __post_init__(self) -> None:
        if bool(self.cron) == bool(self.every):
            raise ValueError("say when it runs: either by cron or by every")
        if self.cron:
            zone = _zone(self.time_zone)
            fields = self.cron.split()
            if len(fields) != 5:
                raise ValueError("cron has five fields: minute, hour, day of month, month, day of week")
            try:
                next(CronSim(self.cron, _EPOCH.astimezone(zone)))
            except CronSimError as error:
                raise ValueError(f"cron: {str(error)[0].lower()}{str(error)[1:]}") from error
            except (StopIteration, RuntimeError) as error:
                raise ValueError("cron: there is no such time") from error
        elif self.time_zone != "UTC":
            raise ValueError("a time zone is that of cron; an interval has none")

    def following(self, at: int, chance: float) -> int:
        """The first time to run after `at`, in microseconds since 1970; `chance` (0 to 1) has the jitter."""
        if self.every:
            time = at + self.every * SECOND
        else:
            here = (_EPOCH + at * _MICROSECOND).astimezone(_zone(self.time_zone))
            # Within an hour that comes again, what was due in it the first time is found once more.
            times = ((found - _EPOCH) // _MICROSECOND for found in CronSim(self.cron, here))
            time = next(found for found in times if found > at)
        return time + int(self.jitter * SECOND * chance)


def _zone(name: str) -> zoneinfo.ZoneInfo:
    """Raises ValueError."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"time_zone: there is none named {name!r}; write one such as Europe/Berlin") from error


def _check(name: str, body: Schedule) -> None:
    job_kind(name)
    if 0 < body.every < _LEAST:
        raise ValueError(f"every is {_LEAST} seconds or more")


#: Schedules as settings: the name of one is the kind of job that it is about.
JOB_SCHEDULES = SettingKind(
    kind="job-schedule",
    plural="job-schedules",
    text="When jobs run by themselves: by cron or at intervals, in place of what they do without.",
    body=Schedule,
    speaks_for=nobody,
    placed=False,
    read=Action.SYSTEM,
    change=Action.SYSTEM,
    check=_check,
)
