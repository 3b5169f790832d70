"""Counts of the changes of a catalog folder: numbers in a file that every process of the server maps into memory.

Those of a catalog in memory are in no file.
"""

import mmap
import os
from collections.abc import Collection
from pathlib import Path
from zlib import crc32

_BYTES = 8

#: In how many parts the repositories of a catalog are counted: with as many, a thousand pushes into different ones
#: leave four fifths of what is remembered as it is, and the file has eight pages.
PARTS = 4_096


class SharedChanges:
    """Even: nothing is being written, and the count names the state of its part of the catalog. Odd: a change is under
    way. The first count is of changes that concern all of it, and `parts` follow.

    Writers take turns (they hold the catalog's writer lock around `begin` and `end`); one that dies in between leaves
    its counts odd, so that nobody trusts what they remember of these parts until the next writer there ends, or
    somebody calls `settle`. Readers only load eight bytes, or twice eight.
    """

    def __init__(self, path: Path | None, parts: int = 0) -> None:
        self._parts = parts
        size = _BYTES * (1 + parts)
        self._map = mmap.mmap(-1, size) if path is None else _mapped(path, size)
        self._counts = memoryview(self._map).cast("Q")

    def place(self, repository: str) -> int:
        """See ports.events.Changes."""
        return 1 + crc32(repository.encode()) % self._parts if self._parts else 0

    def current(self, place: int = 0) -> int | None:
        """See ports.events.Changes. No count ever falls: two sums are the same only if both of their parts are."""
        whole = self._counts[0]
        if not place:
            return None if whole & 1 else whole
        part = self._counts[place]
        return None if (whole | part) & 1 else whole + part

    def news(self) -> int:
        """See ports.events.Changes."""
        return crc32(self._counts)

    def last(self, place: int = 0) -> tuple[int, float] | None:
        """See ports.events.Changes. The counts are never far away."""
        return None

    def begin(self, places: Collection[int]) -> None:
        """A change of these is about to be committed."""
        for place in places:
            count = self._counts[place]
            self._counts[place] = (count + 1) | 1 if not count & 1 else count + 2

    def end(self, places: Collection[int]) -> None:
        """The change is committed, or was given up."""
        for place in places:
            self._counts[place] += 1

    def settle(self) -> None:
        """End what writers that died had begun. To be called with the writer lock."""
        self.end([place for place, count in enumerate(self._counts) if count & 1])

    def close(self) -> None:
        """Unmap."""
        self._counts.release()
        self._map.close()


def _mapped(path: Path, size: int) -> mmap.mmap:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        there = os.fstat(descriptor).st_size
        if there < size:
            # Written, not only made longer: a hole that cannot be filled, because the disk is full by then, would
            # kill the process that stores into the map.
            os.pwrite(descriptor, bytes(size - there), there)
        return mmap.mmap(descriptor, size)
    finally:
        os.close(descriptor)
