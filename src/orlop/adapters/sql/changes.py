"""The change counter of a catalog folder: eight bytes in a file that every process of the server maps into memory."""

import mmap
import os
from pathlib import Path

_BYTES = 8


class SharedChanges:
    """Even: nothing is being written, and the count names the state of the catalog. Odd: a change is under way.

    Writers take turns (they hold the catalog's writer lock around `begin` and `end`); one that dies in between leaves
    the count odd, so that nobody trusts what they remember until the next writer ends. Readers only load eight bytes.
    """

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            if os.fstat(descriptor).st_size < _BYTES:
                # Written, not only made longer: a hole that cannot be filled, because the disk is full by then, would
                # kill the process that stores into the map.
                os.pwrite(descriptor, bytes(_BYTES), 0)
            self._map = mmap.mmap(descriptor, _BYTES)
        finally:
            os.close(descriptor)
        self._count = memoryview(self._map).cast("Q")

    def current(self) -> int | None:
        """See ports.events.Changes."""
        count = self._count[0]
        return None if count & 1 else count

    def last(self) -> tuple[int, float] | None:
        """See ports.events.Changes. The count is never far away."""
        return None

    def begin(self) -> None:
        """A change is about to be committed."""
        count = self._count[0]
        self._count[0] = (count + 1) | 1 if not count & 1 else count + 2

    def end(self) -> None:
        """The change is committed, or was given up."""
        self._count[0] += 1

    def close(self) -> None:
        """Unmap."""
        self._count.release()
        self._map.close()
