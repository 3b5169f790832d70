"""Reading copies from the cache, and from the store behind it what the cache lacks; that then stays here."""

import asyncio
from collections.abc import AsyncIterator, Callable
from enum import Enum

from orlop.adapters.readcache.entry import CHUNK, Damaged, Kept
from orlop.adapters.readcache.fill import Fill
from orlop.adapters.readcache.folder import CacheFolder
from orlop.domain.blob import Blob
from orlop.domain.errors import ContentCorrupt
from orlop.domain.ranges import Span
from orlop.ports.blobs import PIECE, BlobContent, BlobReader

#: After the disk refused something, for how long it is left alone, in seconds.
_REST = 30.0


class Outcome(Enum):
    """What became of a read, to be counted."""

    KEPT = "kept"
    STORE = "store"
    DAMAGED = "damaged"
    FAILED = "failed"


class CachedReader:
    """See ports.blobs.BlobReader. `count` is told of every copy that is opened, damaged, or could not be kept."""

    def __init__(self, reader: BlobReader, folder: CacheFolder, count: Callable[[Outcome], None]) -> None:
        self.store = reader
        self.folder = folder
        self.count = count
        self._rests_until = float("-inf")

    async def open(self, blob: Blob) -> BlobContent:
        """See ports.blobs.BlobReader."""
        if not self.folder.takes(blob.size):
            return await self.store.open(blob)
        kept = self.folder.open(blob)
        if kept is not None:
            self.count(Outcome.KEPT)
            return KeptContent(self, blob, kept)
        content = await self.store.open(blob)
        self.count(Outcome.STORE)
        return content if self._rests_until > asyncio.get_running_loop().time() else KeepingContent(self, blob, content)

    def failed(self) -> None:
        """The disk of the cache refuses: do without it for a while."""
        self.count(Outcome.FAILED)
        self._rests_until = asyncio.get_running_loop().time() + _REST


class KeptContent:
    """See ports.blobs.BlobContent. A copy that is kept here; what turns out damaged is read from the store."""

    def __init__(self, cache: CachedReader, blob: Blob, kept: Kept) -> None:
        self._cache = cache
        self._blob = blob
        self._kept: Kept | None = kept
        self._content: BlobContent | None = None
        self.size = blob.size

    async def read(self) -> bytes:
        """See ports.blobs.BlobContent."""
        return b"".join([piece async for piece in self.chunks(Span(0, self.size))])

    async def chunks(self, span: Span, most: int = PIECE) -> AsyncIterator[bytes]:
        """See ports.blobs.BlobContent."""
        start = span.start
        whole = max(most, CHUNK)
        while start < span.stop and self._kept is not None:
            try:
                verified = await asyncio.to_thread(self._kept.read, Span(start, min(start + whole, span.stop)))
            except Damaged:
                await self._give_up(self._kept)
                break
            for position in range(0, len(verified), most):
                yield verified[position : position + most]
            start += len(verified)
        if start < span.stop:
            if self._content is None:
                self._content = await self._cache.store.open(self._blob)
            async for piece in self._content.chunks(Span(start, span.stop), most):
                yield piece

    async def _give_up(self, kept: Kept) -> None:
        self._cache.count(Outcome.DAMAGED)
        self._kept = None
        kept.close()
        await asyncio.to_thread(self._cache.folder.drop, self._blob, kept.filed)

    def close(self) -> None:
        """See ports.blobs.BlobContent."""
        if self._kept is not None:
            self._kept.close()
        if self._content is not None:
            self._content.close()


class KeepingContent:
    """See ports.blobs.BlobContent. A copy in the store that is kept here when it is read as a whole."""

    def __init__(self, cache: CachedReader, blob: Blob, content: BlobContent) -> None:
        self._cache = cache
        self._blob = blob
        self._content = content
        self.size = content.size

    async def read(self) -> bytes:
        """See ports.blobs.BlobContent."""
        content = await self._content.read()
        filling = _Filling(self._cache, self._blob)
        try:
            if await filling.begin():
                await filling.add(content)
        finally:
            filling.end()
        return content

    async def chunks(self, span: Span, most: int = PIECE) -> AsyncIterator[bytes]:
        """See ports.blobs.BlobContent. A copy that does not match its digest breaks off before its last piece."""
        if span != Span(0, self.size):
            async for piece in self._content.chunks(span, most):
                yield piece
            return
        filling = _Filling(self._cache, self._blob)
        try:
            await filling.begin()
            async for piece in self._content.chunks(span, most):
                await filling.add(piece)
                yield piece
        finally:
            filling.end()

    def close(self) -> None:
        """See ports.blobs.BlobContent."""
        self._content.close()


class _Filling:
    """Keeps what is passed to it as long as the disk takes it. A reader never fails because of it."""

    def __init__(self, cache: CachedReader, blob: Blob) -> None:
        self._cache = cache
        self._blob = blob
        self._fill: Fill | None = cache.folder.fill(blob)
        self._missing = blob.size

    async def begin(self) -> bool:
        """Whether there is anything to do."""
        assert self._fill is not None
        try:
            if not await asyncio.to_thread(self._fill.begin):
                self._fill = None
        except OSError:
            self._fail()
        return self._fill is not None

    async def add(self, piece: bytes) -> None:
        """Append; behind the last byte, keep. Raises ContentCorrupt for a whole that is not the content."""
        if self._fill is None:
            return
        self._missing -= len(piece)
        try:
            await asyncio.to_thread(self._fill.add, piece)
            if self._missing <= 0 and not await asyncio.to_thread(self._fill.commit):
                raise ContentCorrupt(f"the stored bytes of {self._blob.key.digest} do not match it")
        except OSError:
            self._fail()

    def _fail(self) -> None:
        self.end()
        self._cache.failed()

    def end(self) -> None:
        """Drop what is not whole; in a thread, because another may be writing, and nobody waits for it."""
        fill, self._fill = self._fill, None
        if fill is not None:
            asyncio.get_running_loop().run_in_executor(None, fill.abandon)
