"""What was told last of read-only mode, once for all processes on a catalog."""

from typing import Protocol

import msgspec

from orlop.domain.read_only import ReadOnlyCause
from orlop.ports.by import By


class ReadOnlyTold(msgspec.Struct, frozen=True):
    """Whether the registry was read-only for a cause, and since when (microseconds since 1970). `version` moves with
    every change, and is 0 before the first."""

    version: int = 0
    holds: bool = False
    changed_at: int = 0
    reason: str = ""


class ReadOnlyRecord(Protocol):
    """Each method raises Unavailable."""

    async def told(self, cause: ReadOnlyCause) -> ReadOnlyTold:
        """What was told last."""
        ...

    async def tell(self, cause: ReadOnlyCause, before: int, reason: str, by: By) -> bool:
        """It is read-only from now on for this reason; none: it is not any more. False where somebody told of another
        change since the version `before`. Writes `read-only.on` or `read-only.off`."""
        ...
