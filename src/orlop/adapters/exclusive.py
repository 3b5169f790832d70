"""A file in the making: written under another name, it appears whole or not at all.

Not an adapter of a port: what the adapters that write local files have in common.
"""

import fcntl
import os
from pathlib import Path

from orlop.ports.upstream import UpstreamError

_TRIES = 10


class ExclusiveFile:
    """`path`, written as `.<name>.part` beside it. What a killed process left is overwritten by the next. Blocking.

    More than one of `writers` at a time is for files that are always the same: each has a part of its own, and puts it
    in the place of the one before.
    """

    def __init__(self, path: Path, writers: int = 1) -> None:
        self._path = path
        names = (f".{path.name}.part{number or ''}" for number in range(writers))
        self._parts = [path.with_name(name) for name in names]
        self._part = self._parts[0]
        self._descriptor: int | None = None
        self.size = 0
        """Bytes written."""

    def open(self) -> None:
        """Begin, empty. Raises UpstreamError, also while as many write the same file as may."""
        try:
            for part in self._parts:
                self._part = part
                for _ in range(_TRIES):
                    descriptor = os.open(part, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
                    if self._take(descriptor):
                        self._descriptor = descriptor
                        return
                    os.close(descriptor)
        except OSError as cause:
            raise UpstreamError(f"{self._path} cannot be written: {cause.strerror}") from cause
        raise UpstreamError(f"{self._path} is being written by somebody else")

    def _take(self, descriptor: int) -> bool:
        """Lock and empty the file; False where another holds it, or put it in place between opening and locking."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.stat(self._part).st_ino != os.fstat(descriptor).st_ino:  # noqa: PTH116 - compared with fstat
                return False
        except (BlockingIOError, FileNotFoundError):
            return False
        os.ftruncate(descriptor, 0)
        return True

    def write(self, piece: bytes) -> None:
        """Append. Raises UpstreamError."""
        view = memoryview(piece)
        try:
            while view:
                written = os.pwrite(self._fd(), view, self.size)
                self.size += written
                view = view[written:]
        except OSError as cause:
            raise UpstreamError(f"{self._path} cannot be written: {cause.strerror}") from cause

    def read(self, position: int, length: int) -> bytes:
        """What was written."""
        return os.pread(self._fd(), length, position)

    def truncate(self, size: int) -> None:
        """Forget what came after the first `size` bytes."""
        os.ftruncate(self._fd(), size)
        self.size = size

    def commit(self) -> None:
        """Make it durable and put it in place. Raises UpstreamError, after which nothing has changed."""
        try:
            os.fsync(self._fd())
            self._part.rename(self._path)
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as cause:
            raise UpstreamError(f"{self._path} cannot be written: {cause.strerror}") from cause
        self._close()

    def abandon(self) -> None:
        """Remove what was written. Does nothing after a commit."""
        if self._descriptor is not None:
            self._part.unlink(missing_ok=True)
            self._close()

    def _fd(self) -> int:
        if self._descriptor is None:
            raise UpstreamError(f"{self._path} is not open for writing")
        return self._descriptor

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
