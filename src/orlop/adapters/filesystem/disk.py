"""System calls as this adapter makes them: what fails becomes Unavailable, what is written is written whole."""

import ctypes
import errno
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from orlop.domain.errors import StoreRefusesWrites, Unavailable

#: Files belong to the server's user; its group may read, for backups.
FILE_MODE = 0o640
FOLDER_MODE = 0o750

#: How many pieces one call writes (IOV_MAX; POSIX allows for no fewer than 16, every system of today has 1,024).
_MOST = 1024

READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
FOLDER = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_DIRECTORY

_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the disk is read-only",
    errno.EIO: "the disk fails",
    errno.EMFILE: "too many files are open",
    errno.ENFILE: "too many files are open on this machine",
    errno.EACCES: "the server may not do that in its data folder",
    errno.EPERM: "the server may not do that in its data folder",
    errno.EXDEV: "the data folder spans several disks",
}

#: What a disk says that takes no writes, whoever writes.
_NO_WRITES = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


def unavailable(cause: OSError, doing: str) -> Unavailable:
    """One sentence for `cause`: `doing` says what was attempted, as in "storing the upload"."""
    reason = _REASONS.get(cause.errno or 0) or (cause.strerror or "the disk fails").lower()
    kind = StoreRefusesWrites if cause.errno in _NO_WRITES else Unavailable
    return kind(f"{doing} failed: {reason}; the registry's operator has to look, then try again")


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn OSError into Unavailable, cause kept."""
    try:
        yield
    except OSError as cause:
        raise unavailable(cause, doing) from cause


def write_all(descriptor: int, piece: bytes | memoryview) -> None:
    """Write every byte, however many calls that takes; a write that takes nothing is an error."""
    written = os.write(descriptor, piece)
    if written == len(piece):
        return
    rest = memoryview(piece)[written:]
    while rest:
        written = os.write(descriptor, rest)
        if not written:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        rest = rest[written:]


def write_pieces(descriptor: int, pieces: Sequence[bytes]) -> int:
    """Write every byte of all pieces, in one call where the system does that; how many they are."""
    size = sum(map(len, pieces))
    if len(pieces) > _MOST:
        write_all(descriptor, b"".join(pieces))
    elif size:
        written = os.writev(descriptor, pieces)
        if written < size:
            write_all(descriptor, memoryview(b"".join(pieces))[written:])
    return size


def sync_folder(path: str) -> None:
    """Make the entries of a folder durable."""
    descriptor = os.open(path, FOLDER)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _find_writeback() -> Callable[[int, int, int, int], int] | None:
    try:
        function = ctypes.CDLL(None, use_errno=True).sync_file_range
    except (AttributeError, OSError):
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    function.restype = ctypes.c_int
    found: Callable[[int, int, int, int], int] = function
    return found


_sync_file_range = _find_writeback()
_SYNC_FILE_RANGE_WRITE = 2


def begin_writeback(descriptor: int, offset: int, length: int) -> None:
    """Have the kernel begin to write a range out, so that the fsync to come finds little left to do.

    A hint: it promises nothing, where the system has no such call it does nothing, and an error will show at fsync.
    """
    if _sync_file_range is not None:
        _sync_file_range(descriptor, offset, length, _SYNC_FILE_RANGE_WRITE)


#: Kernels stamp files with the time of their last tick, at worst ten milliseconds apart.
_TICK = 0.002
_TICKS = 50


def move_change_time(descriptor: int) -> None:
    """Give a file a change time that it did not have before, so that whoever remembers the old one sees a change."""
    before = os.fstat(descriptor).st_ctime_ns
    for _ in range(_TICKS):
        os.fchmod(descriptor, FILE_MODE)
        if os.fstat(descriptor).st_ctime_ns != before:
            return
        time.sleep(_TICK)
