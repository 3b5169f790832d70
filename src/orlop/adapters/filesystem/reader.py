"""Reading copies: a file opened once, and then read through its descriptor, at once where it lies in memory."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress

from orlop.adapters.filesystem.disk import READ, translated
from orlop.adapters.filesystem.layout import DataFolder
from orlop.adapters.filesystem.threads import DiskThreads
from orlop.domain.blob import Blob
from orlop.domain.errors import ContentCorrupt, Unavailable
from orlop.domain.ranges import Span
from orlop.ports.blobs import PIECE, InFile

#: What the disk is asked for ahead of a reader who had to wait for it, in bytes.
_AHEAD = 4 * 1024 * 1024

#: For how much a look whether it lies in memory is good, in bytes.
_STRETCH = 1024 * 1024

#: Where a look leaves its byte.
_PROBE = [bytearray(1)]

#: Asks for bytes only if that takes no waiting (preadv2(2)); 0 where the system cannot say.
_NO_WAIT = getattr(os, "RWF_NOWAIT", 0)


class FilesystemReader:
    """See ports.blobs.BlobReader."""

    def __init__(self, folder: DataFolder, threads: DiskThreads) -> None:
        self._folder = folder
        self._threads = threads

    async def open(self, blob: Blob) -> "FilesystemContent":
        """See ports.blobs.BlobReader. Raises Unavailable when the disk fails, or too many files are open."""
        with translated("reading the blob"):
            try:
                descriptor = os.open(self._folder.copy(blob.key), READ)
            except FileNotFoundError as cause:
                if not os.path.exists(self._folder.marker):  # noqa: ASYNC240, PTH110 - rare, and as quick as to open
                    raise Unavailable("reading the blob failed: the data folder is not where it was") from cause
                raise ContentCorrupt(f"the stored bytes of {blob.key.digest} are missing") from cause
            try:
                size = os.fstat(descriptor).st_size
            except BaseException:
                os.close(descriptor)
                raise
        if size != blob.size:
            os.close(descriptor)
            raise ContentCorrupt(f"{size} bytes are stored of {blob.key.digest}, which has {blob.size}")
        return FilesystemContent(descriptor, blob, self._threads)


class FilesystemContent:
    """See ports.blobs.FileContent."""

    def __init__(self, descriptor: int, blob: Blob, threads: DiskThreads) -> None:
        self._descriptor = descriptor
        self._blob = blob
        self._threads = threads
        self._reads = 0
        self._is_closed = False

    @property
    def size(self) -> int:
        """See ports.blobs.BlobContent."""
        return self._blob.size

    def is_there(self) -> bool:
        """Whether the file still has its name and its length: somebody may have removed or cut it while it is open."""
        status = os.fstat(self._descriptor)
        return status.st_nlink > 0 and status.st_size == self._blob.size

    async def read(self) -> bytes:
        """See ports.blobs.BlobContent."""
        return self._read(0, self._blob.size)

    async def chunks(self, span: Span, most: int = PIECE) -> AsyncIterator[bytes]:
        """See ports.blobs.BlobContent. Only what the system would have to wait for is read in a thread."""
        at_hand = span.start
        for start in range(span.start, span.stop, most):
            stop = min(start + most, span.stop)
            if stop > at_hand and self._lies_in_memory(start, stretch := min(start + max(most, _STRETCH), span.stop)):
                at_hand = stretch
            length = stop - start
            yield self._read(start, length) if stop <= at_hand else await self._fetch(start, length)

    async def stretches(self, span: Span, most: int) -> AsyncIterator[InFile | bytes]:
        """See ports.blobs.FileContent."""
        start = span.start
        while start < span.stop:
            stop = min(start + _STRETCH, span.stop)
            if self._lies_in_memory(start, stop):
                yield InFile(self._descriptor, start, stop - start)
            else:
                stop = min(start + most, span.stop)
                yield await self._fetch(start, stop - start)
            start = stop

    def _lies_in_memory(self, start: int, stop: int) -> bool:
        """Whether the first and the last byte of a stretch do; what is between them then does as well, unless memory
        is short."""
        if not _NO_WAIT:
            return False
        try:
            os.preadv(self._descriptor, _PROBE, start, _NO_WAIT)
            os.preadv(self._descriptor, _PROBE, stop - 1, _NO_WAIT)
        except OSError:  # it would have to wait, or this file system cannot tell; what is wrong shows when it is read
            return False
        return True

    async def _fetch(self, start: int, length: int) -> bytes:
        reading = self._threads.call(self._wait_for, start, length)
        self._reads += 1
        reading.add_done_callback(self._has_read)
        return await asyncio.shield(reading)

    def _wait_for(self, start: int, length: int) -> bytes:
        piece = self._read(start, length)
        if hasattr(os, "posix_fadvise"):
            with suppress(OSError):  # advice
                os.posix_fadvise(self._descriptor, start + length, _AHEAD, os.POSIX_FADV_WILLNEED)
        return piece

    def _read(self, start: int, length: int) -> bytes:
        with translated("reading the blob"):
            piece = os.pread(self._descriptor, length, start)
            while len(piece) < length:
                more = os.pread(self._descriptor, length - len(piece), start + len(piece))
                if not more:
                    raise ContentCorrupt(f"the stored bytes of {self._blob.key.digest} end too early")
                piece += more
        return piece

    def _has_read(self, reading: "asyncio.Future[bytes]") -> None:
        self._reads -= 1
        if not reading.cancelled():
            reading.exception()  # it is no error that nobody looked at, if who asked has gone meanwhile
        self._let_go()

    def close(self) -> None:
        """See ports.blobs.BlobContent."""
        self._is_closed = True
        self._let_go()

    def _let_go(self) -> None:
        """Close the file, unless a thread is reading: its number must not be given to another before that is done."""
        if self._is_closed and not self._reads and self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)
