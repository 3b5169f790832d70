"""Answers that a worker remembers for as long as nothing changed in the catalog, and not a request longer."""

from collections import OrderedDict
from typing import Generic, TypeVar

from orlop.ports.events import Changes

T = TypeVar("T")

#: What an entry costs beside its content, in bytes: key, containers, headers. Measured with tracemalloc, rounded up.
OVERHEAD = 1_500


class Answers(Generic[T]):
    """A bounded memory of what the catalog said. `capacity` in bytes; the oldest answers go first."""

    def __init__(self, changes: Changes, capacity: int) -> None:
        self._changes = changes
        self._capacity = capacity
        self._held = 0
        self._entries: OrderedDict[object, tuple[int, T, int]] = OrderedDict()  # a dict is slow at losing its first

    def count(self) -> int | None:
        """The state of the catalog now: take it before asking the catalog, hand it to `remember` afterwards."""
        return self._changes.current()

    def recall(self, key: object) -> T | None:
        """The answer, if the catalog is as it was when it was given."""
        entry = self._entries.get(key)
        if entry is None or entry[0] != self._changes.current():
            return None
        return entry[1]

    def remember(self, key: object, count: int | None, answer: T, size: int) -> None:
        """Keep an answer that was computed after `count` was read; `size` is what it holds, in bytes."""
        cost = size + OVERHEAD
        if count is None or cost > self._capacity:
            return
        old = self._entries.pop(key, None)
        self._held += cost - (old[2] if old else 0)
        self._entries[key] = (count, answer, cost)
        while self._held > self._capacity:
            self._held -= self._entries.popitem(last=False)[1][2]
