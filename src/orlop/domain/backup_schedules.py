"""Schedules of backups as settings: when one is made, at which target, how many stay, and how often one is drilled."""

import re
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from orlop.domain.access.actions import Action
from orlop.domain.durations import DAY, SECOND, span
from orlop.domain.schedules import Schedule
from orlop.domain.settings import SettingKind, nobody

_SHORTEST = 60 * SECOND
_PLACE = re.compile(r"/[^\0\n]*|s3://[a-zA-Z0-9][a-zA-Z0-9._-]{1,253}[a-zA-Z0-9](?:/[a-zA-Z0-9._=-]+)*/?", re.ASCII)

#: Everything that a copy of the registry tells whoever reads it.
_EVERYTHING = frozenset({Action.PULL, Action.ADMIN, Action.AUDIT_READ, Action.SYSTEM})


class DrillInterval(StrEnum):
    """How often the newest backup is restored and verified."""

    NEVER = "never"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"

    @property
    def length(self) -> int:
        """In microseconds; 0: never. A month has 30 days."""
        return _LENGTHS[self]


_LENGTHS = {
    DrillInterval.NEVER: 0,
    DrillInterval.DAILY: DAY,
    DrillInterval.WEEKLY: 7 * DAY,
    DrillInterval.MONTHLY: 30 * DAY,
}


class BackupSchedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """When backups are made by themselves, and what becomes of them."""

    to: Annotated[
        str,
        Meta(
            min_length=2,
            max_length=1024,
            description="Where they lie: a folder of the server's machine, or s3://bucket/prefix; at or below one of"
            " `backup.targets`.",
        ),
    ]
    cron: Annotated[
        str,
        Meta(
            max_length=128,
            description="Minute, hour, day of month, month and day of week, as in `0 2 * * *`: at two every night.",
        ),
    ] = ""
    every: Annotated[
        str, Meta(max_length=8, description="How long from one backup to the next, such as `6h`, in place of cron.")
    ] = ""
    time_zone: Annotated[str, Meta(max_length=64, description="Whose clock `cron` goes by, as in `Europe/Berlin`.")] = (
        "UTC"
    )
    keep: Annotated[
        int, Meta(ge=0, le=100_000, description="How many of the newest stay, after each backup; 0: all of them.")
    ] = 0
    keep_for: Annotated[
        str,
        Meta(
            max_length=8, description="Those younger than this stay, too, such as `90d`; without `keep`, these alone."
        ),
    ] = ""
    drill: Annotated[
        DrillInterval,
        Meta(
            description="How often the newest is restored into a scratch folder and verified, behind a backup. [never]"
        ),
    ] = DrillInterval.NEVER
    limit: Annotated[
        int, Meta(ge=0, le=1 << 40, description="Bytes a second that are copied at most; 0: no bound.")
    ] = 0
    access_key_id: Annotated[
        str, Meta(max_length=255, description="Access key for the bucket; without one, that of the configuration.")
    ] = ""
    secret_access_key: Annotated[str, Meta(max_length=65_536, description="The key's secret; or where it is kept.")] = (
        ""
    )
    enabled: Annotated[bool, Meta(description="Whether backups are made by themselves.")] = True

    def __post_init__(self) -> None:
        if not _PLACE.fullmatch(self.to) or ".." in self.to.split("/"):
            raise ValueError("to: write the absolute path of a folder, as /srv/backups, or s3://bucket/prefix")
        if self.every and span(self.every) < _SHORTEST:
            raise ValueError("every: 1m or more")
        if self.keep_for:
            span(self.keep_for)
        if bool(self.access_key_id) != bool(self.secret_access_key):
            raise ValueError("access_key_id and secret_access_key go together")
        if self.access_key_id and not self.is_bucket:
            raise ValueError("access keys are for buckets, and a folder has none")
        _ = self.schedule

    @property
    def is_bucket(self) -> bool:
        """Whether backups lie in a bucket; else in a folder."""
        return self.to.startswith("s3://")

    @property
    def schedule(self) -> Schedule:
        """When one is made. Raises ValueError."""
        every = span(self.every) // SECOND if self.every else 0
        return Schedule(cron=self.cron, every=every, time_zone=self.time_zone, enabled=self.enabled)

    @property
    def kept(self) -> int:
        """`keep_for` in microseconds; 0: without it."""
        return span(self.keep_for) if self.keep_for else 0

    def late_at(self, done_at: int) -> int:
        """From when on the newest backup, of `done_at`, is too old: two were due since, and twice as long has passed as
        from one to the next. In microseconds since 1970."""
        first = self.schedule.following(done_at, 0)
        second = self.schedule.following(first, 0)
        return max(second, done_at + 2 * (second - first))


def _tells(path: str, before: BackupSchedule | None, after: BackupSchedule) -> frozenset[Action]:
    """Whoever reads the target of one has a copy of everything."""
    if before is not None and (before.to, before.access_key_id) == (after.to, after.access_key_id):
        return frozenset()
    return _EVERYTHING


#: Schedules of backups as settings of the registry as a whole.
BACKUP_SCHEDULES = SettingKind(
    kind="backup-schedule",
    plural="backup-schedules",
    text="Schedules of backups: when one is made, where it lies, how many stay, how often one is restored to try it.",
    body=BackupSchedule,
    speaks_for=nobody,
    tells=_tells,
    placed=False,
    read=Action.SYSTEM,
    change=Action.SYSTEM,
    secrets=frozenset({"secret_access_key"}),
    destination=lambda body: body.to,
    most=64,
)
