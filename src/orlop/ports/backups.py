"""How schedules of backups went, what lies at their targets as far as was seen, and who does the work."""

from collections.abc import Callable, Collection, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from orlop.domain.backup_schedules import BackupSchedule
from orlop.domain.errors import RegistryError
from orlop.domain.pages import Page, PageRequest
from orlop.domain.queue import Progress
from orlop.ports.by import By


class BackupWork(StrEnum):
    """What is done by a schedule."""

    BACKUP = "backup"
    DRILL = "drill"


class BackupRun(msgspec.Struct, frozen=True, kw_only=True):
    """How backups or drills of a schedule went. Times are microseconds since 1970, 0 for never.

    `done_at`, and what stands behind it, is of the last that ended well.
    """

    schedule: str
    work: BackupWork
    target: str = ""
    """Where the schedule's backups lay then."""
    job: int = 0
    """The job that tried last."""
    tried_at: int = 0
    done_at: int = 0
    """Of a backup: its point in time."""
    backup: str = ""
    """The name of what was made, or restored."""
    blobs: int = 0
    bytes: int = 0
    """Of all that it holds."""
    new_bytes: int = 0
    """Of what was copied for it."""
    lasted: int = 0
    """In microseconds."""
    failures: int = 0
    """Since it ended well."""
    error: str = ""
    """Why the last try failed; empty: it did not."""


class StoredBackup(msgspec.Struct, frozen=True, kw_only=True):
    """A backup at a target, as it was seen there last. `damaged`: blobs that the registry itself had lost.

    `drilled_at` 0: it was not drilled; `drill_error` empty: all was well then.
    """

    name: str
    at: int
    ended_at: int
    engine: str
    release: str
    blobs: int
    bytes: int
    damaged: int
    drilled_at: int = 0
    drill_error: str = ""


class BackupRecords(Protocol):
    """What the catalog knows of scheduled backups."""

    async def runs(self) -> tuple[BackupRun, ...]:
        """Every schedule that was tried, by name: there are few."""
        ...

    async def run(self, schedule: str, work: BackupWork) -> BackupRun | None:
        """How one went."""
        ...

    async def tell(self, run: BackupRun, by: By, seen: Sequence[StoredBackup] | None = None) -> None:
        """Record how one went, and what was seen at the target, where it was looked at: all that lies there.

        Writes an event, unless the same job failed with the same words before.
        """
        ...

    async def page(self, schedule: str, page: PageRequest) -> Page[StoredBackup]:
        """Backups at the target of a schedule, newest first; the key is a name."""
        ...

    async def forget(self, staying: Collection[str]) -> None:
        """Drop what is known of schedules that are not among these."""
        ...


class BackupFailed(RegistryError):
    """No backup could be made, or drilled; the message says why. `occupied`: something else is at the same work, and
    will have ended in a while.

    It is nothing that the stores of the registry said to a client of theirs: a target that is full makes no registry
    read-only.
    """

    code = "UNAVAILABLE"

    def __init__(self, message: str, *, occupied: bool = False) -> None:
        super().__init__(message)
        self.occupied = occupied


class BackupOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done. `job`: who asks, so that one that goes on takes over what it held."""

    schedule: BackupSchedule
    identity: str
    """That of the setting."""
    job: str


class MadeBackup(msgspec.Struct, frozen=True, kw_only=True):
    """A backup that was made, what then lay at the target, and how many were let go. `new_bytes`: what was copied."""

    made: StoredBackup
    new_bytes: int
    seen: tuple[StoredBackup, ...]
    gone: int = 0
    prune_error: str = ""
    """Why old ones could not be let go."""


class DrilledBackup(msgspec.Struct, frozen=True, kw_only=True):
    """A backup that was restored and verified. `wrong`: how much was; `what`: the first of it."""

    name: str
    at: int
    manifests: int
    blobs: int
    wrong: int
    what: str = ""


class BackupWorker(Protocol):
    """Makes and drills backups of this registry, away from those who serve."""

    async def make(self, order: BackupOrder, told: Callable[[Progress], None]) -> MadeBackup:
        """Make one, and let old ones go. Raises BackupFailed."""
        ...

    async def drill(self, order: BackupOrder, told: Callable[[Progress], None]) -> DrilledBackup:
        """Restore the newest into a folder that is removed again, and verify everything there. Raises BackupFailed."""
        ...
