"""A kept copy as a file: its bytes, and behind them the SHA-256 of each piece of them.

The sums are made while the copy comes from the store and put in place only if the whole matched its digest, so a piece
that matches its sum is a piece of that content. Any part can be read and verified without the rest.
"""

import hashlib
import os
import threading
from typing import NamedTuple

from orlop.domain.blob import Blob
from orlop.domain.digest import digest_from, new_hash
from orlop.domain.ranges import Span

#: Bytes that have a sum of their own, and the bytes of a sum.
CHUNK = 256 * 1024
SUM = 32
#: How many bytes are read at once; a multiple of CHUNK, and no more than ports.blobs allows.
PIECE = 4 * CHUNK


class Damaged(Exception):
    """A file that cannot be read, or does not hold what was written to it."""


class Filed(NamedTuple):
    """Which file an open one is, however it is called by now."""

    device: int
    inode: int


def length_of(size: int) -> int:
    """The bytes of the file that keeps a copy of `size` bytes."""
    return size + SUM * (-(-size // CHUNK))


def identity(status: os.stat_result) -> Filed:
    """Which file that is."""
    return Filed(status.st_dev, status.st_ino)


class Kept:
    """An entry that is open for reading; stays readable when it is removed meanwhile. Blocking, from any thread."""

    def __init__(self, descriptor: int, size: int, filed: Filed) -> None:
        self._descriptor = descriptor
        self._size = size
        self.filed = filed
        self._reading = threading.Lock()
        self._closed = False

    def read(self, span: Span) -> bytes:
        """The beginning of `span`, at most PIECE of it. Raises Damaged."""
        first = span.start // CHUNK
        last = min(-(-span.stop // CHUNK), first + PIECE // CHUNK)
        start, stop = first * CHUNK, min(last * CHUNK, self._size)
        try:
            with self._reading:
                if self._closed:
                    raise Damaged("closed")
                content = os.pread(self._descriptor, stop - start, start)
                sums = os.pread(self._descriptor, (last - first) * SUM, self._size + first * SUM)
        except OSError as cause:
            raise Damaged from cause
        finally:
            self._let_go()
        view = memoryview(content)
        for number in range(last - first):
            piece = view[number * CHUNK : (number + 1) * CHUNK]
            if hashlib.sha256(piece).digest() != sums[number * SUM : (number + 1) * SUM]:
                raise Damaged("a piece does not match its sum")
        if len(content) != stop - start:
            raise Damaged("the file ends early")
        return content[span.start - start : min(span.stop, stop) - start]

    def close(self) -> None:
        """Let go; may be called twice. Where a thread reads just now it closes, so that nobody waits here."""
        self._closed = True
        self._let_go()

    def _let_go(self) -> None:
        if self._closed and self._reading.acquire(blocking=False):
            try:
                descriptor, self._descriptor = self._descriptor, -1
                if descriptor >= 0:
                    os.close(descriptor)
            finally:
                self._reading.release()


class Draft:
    """The file of an entry while it is written, in order from the first byte. Blocking; raises OSError."""

    def __init__(self, descriptor: int, blob: Blob) -> None:
        self._descriptor = descriptor
        self._blob = blob
        self._state = new_hash(blob.key.digest.algorithm)
        self._sums: list[bytes] = []
        self._chunk = hashlib.sha256()
        self._position = 0

    def add(self, piece: bytes) -> None:
        """Append."""
        self._state.update(piece)
        _write(self._descriptor, piece, self._position)
        view = memoryview(piece)
        while view:
            part = view[: CHUNK - self._position % CHUNK]
            view = view[len(part) :]
            self._chunk.update(part)
            self._position += len(part)
            if self._position % CHUNK == 0:
                self._end_chunk()

    def finish(self) -> bool:
        """Put the sums behind what was written, if that is the content; whether it is."""
        if self._position % CHUNK:
            self._end_chunk()
        digest = self._blob.key.digest
        if self._position != self._blob.size or digest_from(digest.algorithm, self._state) != digest:
            return False
        _write(self._descriptor, b"".join(self._sums), self._position)
        return True

    def _end_chunk(self) -> None:
        self._sums.append(self._chunk.digest())
        self._chunk = hashlib.sha256()


def _write(descriptor: int, content: bytes, position: int) -> None:
    view = memoryview(content)
    while view:
        written = os.pwrite(descriptor, view, position)
        position += written
        view = view[written:]
