"""A blob as it arrives from an upstream, to everybody who reads it meanwhile.

What came last is in memory, what came before on the stage of the session that it goes into. The last byte is told to
nobody before all of them were verified. Whoever leaves ends nothing. Who brings it: `transfer`.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress

from orlop.domain.blob import Blob
from orlop.domain.errors import BlobUploadUnknown, RegistryError, UpstreamAway
from orlop.domain.ranges import Span
from orlop.ports.blobs import PIECE, BlobContent, BlobStage
from orlop.ports.upstream import UpstreamError
from orlop.services.content.copies import Copies

#: How much of what came last is held for those who keep up, in bytes.
WINDOW = 4 * 1024 * 1024
#: How often those who wait look without any news, in seconds: a process that does not fetch sees so how far the other
#: one came.
LOOK = 0.1


class ArrivingBlob:
    """See the module. Any number join."""

    def __init__(self, size: int, stage: BlobStage, copies: Copies) -> None:
        self.size = size
        self._stage = stage
        self._copies = copies
        self._window: deque[bytes] = deque()
        self._window_start = 0
        self._arrived = 0
        self._verified = False
        self._upload = ""
        self._place = ""
        self._blob: Blob | None = None
        self._failure: RegistryError | None = None
        self._news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._readers: set[Joined] = set()

    def join(self) -> "Joined":
        """The content, from now on."""
        joined = Joined(self)
        self._readers.add(joined)
        return joined

    def leave(self, joined: "Joined") -> None:
        """A reader is gone."""
        self._readers.discard(joined)
        self._tell()

    async def begun(self) -> None:
        """Return when there is something to read. Raises what came instead."""
        while not self._told and not self._verified:
            self._refuse()
            await self._wait()

    async def kept(self) -> Blob:
        """The blob, when all of it is here and kept. Raises what came instead."""
        while self._blob is None:
            self._refuse()
            await self._wait()
        return self._blob

    async def part(self, joined: "Joined", most: int) -> bytes:
        """Bytes from where a reader stands, when they are there; none when `copy` has them. Raises BlobUnknown,
        ContentCorrupt, Unavailable."""
        while True:
            if joined.is_lost:
                raise UpstreamAway("the upstream broke off, and what it sent is not gone on with; try again")
            if joined.position < self._told:
                piece = self._recent(joined.position, most)
                if not piece and self._blob is not None:
                    return b""
                piece = piece or await self._staged(joined.position, most)
                if piece and not joined.is_lost:
                    return piece
            else:
                self._refuse()
            await self._wait()

    async def copy(self) -> BlobContent | None:
        """The copy that it has become, open; None as long as it has not. Raises ContentCorrupt, Unavailable."""
        return await self._copies.open(self._blob) if self._blob is not None else None

    @property
    def _told(self) -> int:
        """How many bytes may be told."""
        return self.size if self._verified else max(0, min(self._arrived, self.size - 1))

    def _recent(self, position: int, most: int) -> bytes:
        start = self._window_start
        if position < start:
            return b""
        for piece in self._window:
            if position < start + len(piece):
                return piece[position - start : min(position - start + most, self._told - start)]
            start += len(piece)
        return b""

    async def _staged(self, position: int, most: int) -> bytes:
        """What stands on the stage; nothing where it is not there, or not there any more."""
        span = Span(position, min(position + min(most, PIECE), self._told))
        try:
            return await _first(self._stage.read(self._upload, span, self._place))
        except BlobUploadUnknown:
            self._refuse()
            return b""

    def _refuse(self) -> None:
        if self._failure is not None:
            raise self._failure

    async def _wait(self) -> None:
        """For news; also, now and then, without any: what was written may have become readable."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK):
                await asyncio.shield(self._news)

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.get_running_loop().create_future()
        news.set_result(None)

    def _restart(self, offset: int) -> None:
        """Nothing but the first `offset` bytes of what came so far is part of what comes."""
        for joined in self._readers:
            joined.is_lost = joined.is_lost or joined.had > offset
        self._window.clear()
        self._arrived = self._window_start = offset
        self._verified = False

    def _take(self, piece: bytes) -> None:
        self._window.append(piece)
        self._arrived += len(piece)
        while self._arrived - self._window_start > WINDOW + len(self._window[0]):
            self._window_start += len(self._window.popleft())
        self._tell()


class Joined:
    """See ports.blobs.BlobContent: a copy that is not all there yet."""

    def __init__(self, transfer: ArrivingBlob) -> None:
        self._transfer: ArrivingBlob | None = transfer
        self.size = transfer.size
        self.position = 0
        """Where it stands."""
        self.had = 0
        """Up to where it depends on what came; 0 before it got anything."""
        self.is_lost = False
        """Whether what it has is no part of what comes."""

    async def read(self) -> bytes:
        """See ports.blobs.BlobContent."""
        return b"".join([piece async for piece in self.chunks(Span(0, self.size))])

    async def chunks(self, span: Span, most: int = PIECE) -> AsyncIterator[bytes]:
        """See ports.blobs.BlobContent. Raises UpstreamError as well, when no more comes."""
        self.position = span.start
        while self.position < span.stop and self._transfer is not None:
            try:
                piece = await self._transfer.part(self, min(most, span.stop - self.position))
            except RegistryError as failure:  # too late to say what
                raise UpstreamError(failure.message) from failure
            if not piece:
                break
            self.position += len(piece)
            self.had = self.position
            yield piece
        copy = await self._transfer.copy() if self.position < span.stop and self._transfer is not None else None
        if copy is not None:
            try:
                async for piece in copy.chunks(Span(self.position, span.stop), most):
                    yield piece
            finally:
                copy.close()

    def close(self) -> None:
        """See ports.blobs.BlobContent."""
        transfer, self._transfer = self._transfer, None
        if transfer is not None:
            transfer.leave(self)


async def _first(pieces: AsyncIterator[bytes]) -> bytes:
    async for piece in pieces:
        return piece
    return b""
