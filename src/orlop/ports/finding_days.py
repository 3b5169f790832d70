"""How much was known to be wrong with repositories, day by day."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from orlop.domain.names import RepositoryName


class FindingNumbers(msgspec.Struct, frozen=True, kw_only=True):
    """How many of each severity that nothing clears; `others`: those that are none, or that nobody rated. `accepted`:
    how many exceptions accept; `cleared`: how many else VEX documents clear; `fixable`: how many of the first a version
    mends."""

    critical: int = 0
    high: int = 0
    medium: int = 0
    low: int = 0
    others: int = 0
    accepted: int = 0
    cleared: int = 0
    fixable: int = 0


class FindingDay(msgspec.Struct, frozen=True):
    """A day, in days since 1970, UTC, and what was known at its end."""

    day: int
    numbers: FindingNumbers


class FindingDays(Protocol):
    """See the module."""

    async def record(self, day: int, numbers: Mapping[RepositoryName, FindingNumbers]) -> None:
        """Write down a day of these repositories, over what is written of it; nothing of those that are gone."""
        ...

    async def drop(self, before: int) -> None:
        """Forget the days before one."""
        ...

    async def of(self, repositories: Sequence[RepositoryName], since: int) -> tuple[FindingDay, ...]:
        """The sums of these, from a day on, in order; nothing of days of which nothing is known."""
        ...
