"""What a worker may spend on remembering, in bytes (`cache.bytes`): one budget, in shares that lend to each other.

Each share may always spend what is its own; what the others do not need it may spend, too, until they do.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")

#: What an entry costs beside its content, in bytes: key, containers, headers. Measured with tracemalloc, rounded up.
OVERHEAD = 800


class Budget:
    """`capacity` bytes for all shares together."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.held = 0
        self._shares: list[Share[Any]] = []

    def share(self, eighths: int, cost: Callable[[T], int]) -> "Share[T]":
        """Eighths of the budget for one kind of content, of which an entry has a `cost` in bytes."""
        share = Share(self, self.capacity * eighths // 8, cost)
        self._shares.append(share)
        return share

    def settle(self) -> None:
        """Have the share that has borrowed most give back, its oldest first, until all is within the budget."""
        while self.held > self.capacity:
            max(self._shares, key=lambda share: share.held - share.capacity).drop()


class Share(Generic[T]):
    """A bounded memory; see Budget. `recall` gives what is there under a key, or None."""

    def __init__(self, budget: Budget, capacity: int, cost: Callable[[T], int]) -> None:
        self._budget = budget
        self._cost = cost
        self._entries: OrderedDict[object, T] = OrderedDict()  # a dict is slow at losing its first
        self.capacity = capacity
        self.held = 0
        self.recall = self._entries.get

    def fits(self, cost: int) -> bool:
        """Whether an entry may be there at all."""
        return cost <= self.capacity

    def is_full(self, cost: int) -> bool:
        """Whether an entry would push out others of this share."""
        return self.held + cost > self.capacity and self._budget.held + cost > self._budget.capacity

    def keep(self, key: object, entry: T) -> None:
        """Remember an entry that fits, in place of what was there."""
        old = self._entries.pop(key, None)
        self._entries[key] = entry
        self._spend(self._cost(entry) - (self._cost(old) if old is not None else 0))
        self._budget.settle()

    def drop(self) -> None:
        """Forget the oldest entry."""
        self._spend(-self._cost(self._entries.popitem(last=False)[1]))

    def _spend(self, more: int) -> None:
        self.held += more
        self._budget.held += more
