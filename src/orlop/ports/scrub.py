"""What the catalog keeps about copies that are not what they were, and how far they were read again."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from orlop.domain.blob import Blob, BlobKey
from orlop.domain.names import RepositoryName
from orlop.ports.by import By


class QuarantinedCopy(msgspec.Struct, frozen=True):
    """A copy that nobody gets. `what` is wrong with it, as half a sentence; `since` in microseconds since 1970."""

    id: int
    blob: Blob
    what: str
    since: int


class Quarantine(Protocol):
    """Copies that are missing, of another size, or of other bytes.

    No repository shows one, so that the next push of its digest brings another copy, which takes its place everywhere.
    """

    async def add(self, key: BlobKey, what: str, by: By) -> bool:
        """Quarantine a copy; False when that is done already, or the row has another copy meanwhile, or none."""
        ...

    async def lift(self, key: BlobKey, by: By) -> bool:
        """Take back a copy that turned out to be whole; False when it is not in quarantine."""
        ...

    async def page(self, after: int, limit: int) -> tuple[QuarantinedCopy, ...]:
        """Those whose row is greater than `after`, in order."""
        ...

    async def count(self) -> int:
        """How many there are."""
        ...

    async def holders(self, row: int, limit: int) -> tuple[RepositoryName, ...]:
        """Repositories that miss the blob of a row."""
        ...


class ScrubPass(msgspec.Struct, frozen=True):
    """How far one reading of everything came. Times in microseconds since 1970, 0 for never; `size` in bytes."""

    started_at: int = 0
    finished_at: int = 0
    read_up_to: int = 0
    """The row of the last blob that was read."""
    blobs: int = 0
    size: int = 0
    rotten: int = 0
    failed: int = 0
    """Those that the store could not give."""

    @property
    def is_under_way(self) -> bool:
        """Whether it began and has not ended."""
        return self.started_at > self.finished_at


class DueBlob(msgspec.Struct, frozen=True):
    """A row, and whether its copy is to be read: it is there, and was not pushed or read since."""

    id: int
    blob: Blob
    is_due: bool


class ScrubRows(Protocol):
    """When copies were read last."""

    async def last(self) -> ScrubPass:
        """The pass that is under way, or the last one."""
        ...

    async def next(self, after: int, before: int, limit: int) -> tuple[DueBlob, ...]:
        """Rows greater than `after`, in order; due is what nobody verified since `before`."""
        ...

    async def record(self, found: ScrubPass, verified: Sequence[int], at: int) -> None:
        """Write down how far a pass came, and the rows whose copies were whole at `at`. Need not outlive a power
        cut."""


class StoredOrphan(msgspec.Struct, frozen=True):
    """What lies in the store and no row names. `name` is `<digest>/<copy>`, or the id of an upload."""

    name: str
    size: int
    found_at: int


class Orphans(Protocol):
    """What a sweep found, until its time is over."""

    async def found(self, orphans: Sequence[StoredOrphan]) -> None:
        """Write down those that are not known yet."""

    async def since(self, name: str) -> int | None:
        """When one was found first; None when it never was."""
        ...

    async def page(self, after: str, limit: int) -> tuple[StoredOrphan, ...]:
        """By name."""
        ...

    async def forget(self, names: Sequence[str]) -> None:
        """They are gone, or have a row after all."""
