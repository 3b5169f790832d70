"""Followers: what happens after a change reads a stream by a cursor of its own, in order and at least once."""

from enum import StrEnum
from typing import Protocol

import msgspec

from orlop.ports.by import By
from orlop.ports.jobs import Lease


class Stream(StrEnum):
    """What can be followed."""

    OUTBOX = "outbox"
    """Events, by their ids. They go behind the slowest of those who follow them."""
    AUDIT = "audit"
    """The audit log, by the numbers of its entries. It goes by its own retention."""


class Follower(msgspec.Struct, frozen=True):
    """Somebody who follows a stream."""

    name: str
    """For people."""
    stream: Stream
    cursor: str
    """The name that its position is kept under."""
    job: str
    """The job whose lease its process holds."""
    skips: bool = True
    """Whether it may leave out what it fails at."""


class Trouble(msgspec.Struct, frozen=True):
    """What a follower fails at, again and again. Times are in microseconds since 1970."""

    position: int
    """The event or entry that it cannot get past."""
    failures: int
    since: int
    at: int
    """The last failure."""
    error: str


class FollowerState(msgspec.Struct, frozen=True):
    """Where a follower stands."""

    follower: Follower
    position: int
    behind: int
    """Events or entries that it has not read, counted up to BEHIND_MAX."""
    oldest_at: int
    """When the first of them happened; 0: there is none."""
    trouble: Trouble | None = None


#: So far it is counted how far somebody is behind.
BEHIND_MAX = 100_000


class Cursors(Protocol):
    """Where followers stand."""

    async def register(self, follower: Follower) -> int:
        """Where it stands; a new one at the beginning, and nothing of the outbox goes before it has read it."""
        ...

    async def position(self, follower: Follower) -> int:
        """Where it stands; a new one at the beginning."""
        ...

    async def advance(self, follower: Follower, before: int, after: int, lease: Lease) -> None:
        """Go from one position to another, out of trouble. Raises Stale when the lease is lost, or it stands elsewhere
        by now."""

    async def stumble(self, follower: Follower, position: int, error: str, now: int) -> None:
        """It failed at what stands at a position."""

    async def recover(self, follower: Follower) -> None:
        """It is out of trouble."""

    async def state(self, follower: Follower) -> FollowerState:
        """Where it stands, how far that is behind, and what it fails at."""
        ...

    async def skip(self, follower: Follower, position: int, by: By) -> None:
        """Go past what it fails at. Raises Conflict when it does not fail there any more."""
