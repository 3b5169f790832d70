"""The servers on a catalog, as they tell of themselves."""

from collections.abc import Sequence
from typing import Protocol

import msgspec


class Replica(msgspec.Struct, frozen=True):
    """A server. `id` is its own as long as it runs; `host` the name of its machine; times in microseconds since 1970,
    each by the clock of that machine."""

    id: str
    host: str
    version: str
    workers: int
    started_at: int
    seen_at: int


class Replicas(Protocol):
    """Writes no event, and a power cut may take it. Each method raises Unavailable."""

    async def seen(self, replica: Replica, forgotten: int) -> None:
        """It is there, as it says; those that were last seen before `forgotten` are forgotten."""

    async def left(self, replica: str) -> None:
        """It ends."""

    async def since(self, moment: int, limit: int) -> Sequence[Replica]:
        """Those that were seen at that moment or later, the last first."""
        ...

    async def schema(self) -> int:
        """The number of the newest migration that the catalog took."""
        ...
