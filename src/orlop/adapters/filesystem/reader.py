"""Reading copies: a file opened once, and then read through its descriptor or handed to the server by path."""

import asyncio
import os
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from orlop.adapters.filesystem.disk import READ, translated
from orlop.adapters.filesystem.layout import DataFolder
from orlop.domain.blob import Blob
from orlop.domain.errors import ContentCorrupt
from orlop.domain.ranges import Span

#: How much `chunks` reads at a time, in bytes.
PIECE = 512 * 1024

#: Where Linux names the open files of a process: opening a name there opens the same file, even one deleted since.
_DESCRIPTORS = "/proc/self/fd"


class FilesystemReader:
    """See ports.blobs.BlobReader."""

    def __init__(self, folder: DataFolder, threads: ThreadPoolExecutor) -> None:
        self._folder = folder
        self._threads = threads
        self._has_paths = Path(_DESCRIPTORS).is_dir()

    async def open(self, blob: Blob) -> "FilesystemContent":
        """See ports.blobs.BlobReader. Raises Unavailable when the disk fails, or too many files are open."""
        with translated("reading the blob"):
            try:
                descriptor = os.open(self._folder.copy(blob.key), READ)
            except FileNotFoundError as cause:
                raise ContentCorrupt(f"the stored bytes of {blob.key.digest} are missing") from cause
            try:
                size = os.fstat(descriptor).st_size
            except BaseException:
                os.close(descriptor)
                raise
        if size != blob.size:
            os.close(descriptor)
            raise ContentCorrupt(f"{size} bytes are stored of {blob.key.digest}, which has {blob.size}")
        path = f"{_DESCRIPTORS}/{descriptor}" if self._has_paths else None
        return FilesystemContent(descriptor, blob, path, self._threads)


class FilesystemContent:
    """See ports.blobs.BlobContent."""

    def __init__(self, descriptor: int, blob: Blob, path: str | None, threads: ThreadPoolExecutor) -> None:
        self._descriptor = descriptor
        self._blob = blob
        self._threads = threads
        self._reading: asyncio.Future[bytes] | None = None
        self.path = path

    @property
    def size(self) -> int:
        """See ports.blobs.BlobContent."""
        return self._blob.size

    async def read(self) -> bytes:
        """See ports.blobs.BlobContent."""
        return self._read(0, self._blob.size)

    async def chunks(self, span: Span) -> AsyncIterator[bytes]:
        """See ports.blobs.BlobContent. While one piece is sent, the next is read."""
        start = span.start
        reading = self._begin(start, span)
        while start < span.stop:
            piece = await asyncio.shield(reading)
            start += len(piece)
            if start < span.stop:
                reading = self._begin(start, span)
            yield piece

    def _begin(self, start: int, span: Span) -> "asyncio.Future[bytes]":
        loop = asyncio.get_running_loop()
        self._reading = loop.run_in_executor(self._threads, self._read, start, min(PIECE, span.stop - start))
        return self._reading

    def _read(self, start: int, length: int) -> bytes:
        with translated("reading the blob"):
            piece = os.pread(self._descriptor, length, start)
            while len(piece) < length:
                more = os.pread(self._descriptor, length - len(piece), start + len(piece))
                if not more:
                    raise ContentCorrupt(f"the stored bytes of {self._blob.key.digest} end too early")
                piece += more
        return piece

    def close(self) -> None:
        """See ports.blobs.BlobContent."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor < 0:
            return
        if self._reading is None or self._reading.done():
            _retrieve(self._reading)
            os.close(descriptor)
            return
        # A thread may be reading: the number must not be given to another file before it is done.
        self._reading.add_done_callback(lambda reading: _close_after(reading, descriptor))


def _close_after(reading: "asyncio.Future[bytes]", descriptor: int) -> None:
    _retrieve(reading)
    os.close(descriptor)


def _retrieve(reading: "asyncio.Future[bytes] | None") -> None:
    """What nobody waits for any more must not be reported as an error that nobody looked at."""
    if reading is not None and not reading.cancelled():
        reading.exception()
