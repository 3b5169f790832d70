"""How much lies below each node of the namespaces: kept by the transactions that change it, and told uncounted."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from orlop.domain.quotas import Usage


class UsageBelow(msgspec.Struct, frozen=True):
    """What lies directly below a node: a namespace, whose path ends with a slash, or a repository."""

    path: str
    usage: Usage
    before: int | None = None
    """The bytes that were stored there on the first day that is asked about and that the history has; None: it has
    none, as of every repository."""


class UsageDay(msgspec.Struct, frozen=True):
    """What a node had at the end of a day, which counts from 1970, UTC."""

    day: int
    usage: Usage


class Sharing(msgspec.Struct, frozen=True):
    """Another node some of whose blobs lie below the one that is asked about, too: how many, and their bytes."""

    path: str
    blobs: int
    size: int


class Usages(Protocol):
    """See `domain.quotas.Usage`. A path is that of a namespace, and of the repository of that name, where there are
    both of both together; empty: everything."""

    async def of(self, paths: Sequence[str], now: int) -> dict[str, tuple[Usage, int]]:
        """How much lies at each path, and how many bytes uploads under way hold there; nothing for a path at which
        neither a namespace nor a repository is."""
        ...

    async def below(self, path: str, limit: int, since: int, *, by_growth: bool) -> tuple[UsageBelow, ...]:
        """What lies directly below a namespace: the largest, or those that grew most since a day."""
        ...

    async def days(self, path: str, since: int) -> tuple[UsageDay, ...]:
        """The history of a namespace, from a day on."""
        ...

    async def sharing(self, path: str, blobs: int, limit: int) -> tuple[Sharing, ...]:
        """The namespaces outside that hold most of what lies below a namespace; no more than `blobs` of its blobs are
        looked at."""
        ...


class UsageKeeping(Protocol):
    """What keeps the numbers right, and their history."""

    async def record(self, day: int, kept_since: int) -> int:
        """Write down what every node has on a day, and drop what is older than another; how many nodes there are."""
        ...

    async def last_blob(self) -> int:
        """The greatest row number of a blob that may be counted."""
        ...

    async def recount_blobs(self, first: int, end: int) -> int:
        """Count anew who holds each of these blobs (row numbers); how many numbers were wrong."""
        ...

    async def recount_nodes(self) -> int:
        """Count every node anew; how many were wrong."""
        ...
