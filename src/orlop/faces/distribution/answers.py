"""Answers that a worker remembers while nothing changes in their part of the catalog, and not for a request longer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import msgspec

from orlop.domain.errors import Unavailable
from orlop.faces.distribution.budget import OVERHEAD, Budget, Share
from orlop.ports.clock import Clock
from orlop.ports.events import Changes

T = TypeVar("T")

#: How long the catalog is asked again for what it has said before of a digest, in seconds.
PATIENCE = 0.5


class _Entry(msgspec.Struct, Generic[T], frozen=True, gc=False):
    """What was said, at which count of changes of which place, and what it holds, in bytes."""

    count: int
    place: int
    answer: T
    cost: int
    until: int
    """Until when it holds, in microseconds since 1970; 0: for as long as nothing changes."""


class Answers(Generic[T]):
    """A bounded memory of what the catalog said, in so many eighths of a budget; the oldest answers go first."""

    def __init__(self, changes: Changes, budget: Budget, eighths: int, clock: Clock) -> None:
        self._changes = changes
        self._clock = clock
        self._share: Share[_Entry[T]] = budget.share(eighths, _cost)
        self._recall = self._share.recall

    def recall(self, key: object) -> T | None:
        """The answer, if the catalog is as it was when it was given."""
        entry = self._recall(key)
        if entry is None or entry.count != self._changes.current(entry.place):
            return None
        if entry.until and entry.until <= self._clock.now():
            return None
        return entry.answer

    async def ask(
        self,
        key: object,
        repository: str,
        asking: Awaitable[T],
        size: Callable[[T], int | None],
        until: Callable[[T], int] = lambda _: 0,
        *,
        by_digest: bool,
    ) -> T:
        """What `asking` the catalog about a repository gives. Remembered if it has a `size`, which is what it holds, in
        bytes; `until`: for how long it holds, if that is no longer than as nothing changes.

        While the catalog is away it is what was said last, if that was said of something that is named by its digest:
        that cannot have changed, so at worst it was deleted meanwhile, elsewhere. Raises what `asking` raises.
        """
        place = self._changes.place(repository)
        count = self._changes.current(place)
        last = self._recall(key) if by_digest else None
        if last is None:
            answer = await asking
        else:
            try:
                async with asyncio.timeout(PATIENCE):
                    answer = await asking
            except (Unavailable, TimeoutError):
                return last.answer
        held = size(answer)
        if held is not None:
            self._remember(key, place, count, answer, held, until(answer))
        return answer

    def _remember(self, key: object, place: int, count: int | None, answer: T, size: int, until: int) -> None:
        cost = size + OVERHEAD
        if count is not None and self._share.fits(cost):
            self._share.keep(key, _Entry(count, place, answer, cost, until))


def _cost(entry: _Entry[Any]) -> int:
    return entry.cost
