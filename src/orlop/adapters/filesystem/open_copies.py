"""Copies that stay open for a while after they were read, for the next reader: to open one costs as much as to send it.

What is open stays readable although it was deleted meanwhile, so this is for those who found the copy in the catalog
just now, and not for those who ask whether the file is there.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator

from orlop.adapters.filesystem.reader import FilesystemContent, FilesystemReader
from orlop.domain.blob import Blob, BlobKey
from orlop.domain.ranges import Span
from orlop.ports.blobs import PIECE, InFile

#: Seconds that a copy stays open after it was last lent.
LINGER = 60.0

#: Copies that stay open, at most, unless fewer are wanted.
CAPACITY = 4_096


class OpenCopies:
    """See ports.blobs.BlobReader. Each copy is opened once, however many read it at the same time and soon after.

    When `capacity` of them stay open, further ones are open only as long as they are read.
    """

    def __init__(self, reader: FilesystemReader, capacity: int = CAPACITY) -> None:
        self._reader = reader
        self._capacity = capacity
        self._shared: OrderedDict[BlobKey, _Shared] = OrderedDict()  # the longest unused first
        self._sweeping = False

    async def open(self, blob: Blob) -> "LentContent":
        """See ports.blobs.BlobReader."""
        loop = asyncio.get_running_loop()
        shared = self._shared.get(blob.key)
        if shared is not None and not shared.content.is_there():
            del self._shared[blob.key]
            shared.leave()
            shared = None
        if shared is None:
            shared = _Shared(await self._reader.open(blob))
            self._close_until(loop.time())
            if len(self._shared) < self._capacity and blob.key not in self._shared:
                self._shared[blob.key] = shared
                shared.users += 1
        else:
            self._shared.move_to_end(blob.key)
        shared.until = loop.time() + LINGER
        if not self._sweeping:
            self._sweeping = True
            loop.call_later(LINGER, self._sweep)
        return LentContent(shared)

    def close(self) -> None:
        """Let go of every copy; one that is being read, when that is done."""
        self._close_until(float("inf"))

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        self._close_until(loop.time())
        self._sweeping = bool(self._shared)
        if self._sweeping:
            loop.call_later(LINGER, self._sweep)

    def _close_until(self, now: float) -> None:
        while self._shared:
            key, shared = next(iter(self._shared.items()))
            if shared.until > now:
                return
            del self._shared[key]
            shared.leave()


class _Shared:
    """An open copy, who uses it, and until when it stays open without anybody."""

    __slots__ = ("content", "until", "users")

    def __init__(self, content: FilesystemContent) -> None:
        self.content = content
        self.users = 0
        self.until = 0.0

    def leave(self) -> None:
        """One user fewer; the last one closes it."""
        self.users -= 1
        if not self.users:
            self.content.close()


class LentContent:
    """See ports.blobs.FileContent. `close` gives it back."""

    __slots__ = ("_shared", "size")

    def __init__(self, shared: _Shared) -> None:
        self._shared: _Shared | None = shared
        self.size = shared.content.size
        shared.users += 1

    async def read(self) -> bytes:
        """See ports.blobs.BlobContent."""
        return await self._content().read()

    def chunks(self, span: Span, most: int = PIECE) -> AsyncIterator[bytes]:
        """See ports.blobs.BlobContent."""
        return self._content().chunks(span, most)

    def stretches(self, span: Span, most: int) -> AsyncIterator[InFile | bytes]:
        """See ports.blobs.FileContent."""
        return self._content().stretches(span, most)

    def close(self) -> None:
        """See ports.blobs.BlobContent."""
        shared, self._shared = self._shared, None
        if shared is not None:
            shared.leave()

    def _content(self) -> FilesystemContent:
        assert self._shared is not None, "it was given back"
        return self._shared.content
