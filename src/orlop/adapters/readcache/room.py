"""How many bytes the cache takes, counted by all processes together, and the parts that are in the making.

The count is raised before files grow and lowered after they go, so a kill leaves it too high, never too low.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orlop.adapters.readcache.entry import identity

FILE_MODE, FOLDER_MODE = 0o640, 0o750
#: Of every file that is opened here.
FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW

_BYTES = 8
#: What nobody has counted counts as more than there is room for, so that whoever needs room counts it.
_UNKNOWN = 1 << 62


class Room:
    """`used`: the bytes that are taken, at most."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        text = os.pread(descriptor, _BYTES, 0)
        self.is_known = len(text) == _BYTES
        self.used = int.from_bytes(text, "little") if self.is_known else _UNKNOWN

    def write(self) -> None:
        """Tell the others."""
        os.pwrite(self._descriptor, max(0, self.used).to_bytes(_BYTES, "little"), 0)


@contextmanager
def counted(file: Path, *, wait: bool) -> Iterator[Room]:
    """The count in `file`, which nobody else changes meanwhile. Raises BlockingIOError rather than wait, OSError."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | FLAGS, FILE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        room = Room(descriptor)
        try:
            yield room
        finally:
            room.write()
    finally:
        os.close(descriptor)


def take(part: Path) -> tuple[int, int] | None:
    """Make or take over a part: its descriptor, locked, and the bytes that it has; None where another writes it."""
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | FLAGS, FILE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        status = os.fstat(descriptor)
        # Its writer may have put it in place or removed it between the opening and the lock.
        if identity(part.stat()) == identity(status):
            return descriptor, status.st_size
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def drop_leftover(part: Path) -> int:
    """Remove a part that nobody writes any more; the bytes that it had, 0 where somebody does."""
    taken = take(part)
    if taken is None:
        return 0
    descriptor, size = taken
    try:
        part.unlink()
    finally:
        os.close(descriptor)
    return size
