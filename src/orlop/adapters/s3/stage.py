"""The stages on which uploads gather, as objects of one size: who writes, what is remembered between two chunks.

Not the parts of a multipart upload, because those cannot be read again, which a session that changes hands needs for
its digest, and because its key would have to hold the digest before that is known (docs/adr/010).
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator
from typing import NamedTuple

from botocore.exceptions import ClientError

from orlop.adapters.s3 import promotion
from orlop.adapters.s3.clearing import abort_multiparts, clear_stage
from orlop.adapters.s3.errors import FAILURES, is_missing, translated
from orlop.adapters.s3.place import Piece, Place
from orlop.adapters.s3.session import S3Session
from orlop.adapters.s3.streams import reading
from orlop.adapters.s3.writer import Writer
from orlop.domain.blob import Blob
from orlop.domain.digest import Digest, Hash, digest_from, new_hash
from orlop.domain.errors import BlobUploadUnknown, TooManyRequests
from orlop.domain.ranges import Span
from orlop.ports.blobs import StageWriter
from orlop.ports.clock import Ids

#: The size of a part, in bytes; 10,000 of them are 156 GiB. An upload holds at most two of them in memory.
PART = 16 * 1024 * 1024
#: How many sessions' hashes are remembered between their chunks; about 600 bytes each.
REMEMBERED = 4096


class _Memory(NamedTuple):
    """The hash of what a place holds."""

    place: str
    algorithm: str
    hash: Hash


class S3Stage:
    """See ports.blobs.BlobStage. `part` is the size of the parts of new uploads."""

    def __init__(self, session: S3Session, ids: Ids, part: int = PART) -> None:
        self._session = session
        self._ids = ids
        self._part = part
        self._writers: dict[str, Writer] = {}
        self._memories: OrderedDict[str, _Memory] = OrderedDict()

    def _check_free(self, upload: str) -> None:
        if upload in self._writers:
            raise TooManyRequests("another request is writing to this upload; try again when it has ended")

    async def open(self, upload: str, offset: int, algorithm: str, place: str = "") -> StageWriter:
        """See ports.blobs.BlobStage."""
        stage = self._session.keys.stage(upload)
        self._check_free(upload)
        found = Place.read(place) if offset else Place(self._part)
        memory = self._memories.pop(upload, None)
        is_known = memory is not None and memory.place == place and memory.algorithm == algorithm
        is_known = is_known and found.size == offset
        state = memory.hash if memory is not None and is_known and offset else None
        writer = Writer(
            self._session,
            stage,
            self._ids.new(),
            found.cut(offset // found.part),
            algorithm,
            state or (None if offset else new_hash(algorithm)),
            lambda known: self._left(upload, algorithm, known),
        )
        self._writers[upload] = writer
        try:
            pieces = found.pieces(offset) if offset else []
            if pieces:
                await self._resume(writer, stage, pieces, offset)
        except BaseException:
            await writer.close()
            raise
        return writer

    async def _resume(self, writer: Writer, stage: str, pieces: list[Piece], offset: int) -> None:
        """Take back the beginning of a part, or make sure that the last whole part is there."""
        rest = pieces[-1].size if offset > writer.offset else 0
        with translated("reading the upload"):
            try:
                content = [piece async for piece in reading(self._session, stage + pieces[-1].name, Span(0, rest))]
                if not rest:
                    await self._session.size(stage + pieces[-1].name)
            except ClientError as failure:
                if is_missing(failure):
                    raise _gone() from failure
                raise
        writer.resume(content)

    async def digest(self, upload: str, size: int, algorithm: str, place: str = "") -> Digest:
        """See ports.blobs.BlobStage."""
        stage, state = self._session.keys.stage(upload), new_hash(algorithm)
        with translated("reading the upload"):
            try:
                for piece in Place.read(place).pieces(size):
                    if not piece.size:
                        await self._session.size(stage + piece.name)
                    async for read in reading(self._session, stage + piece.name, Span(0, piece.size)):
                        await asyncio.to_thread(state.update, read)
            except ClientError as failure:
                if is_missing(failure):
                    raise _gone() from failure
                raise
        return digest_from(algorithm, state)

    async def read(self, upload: str, span: Span, place: str = "") -> AsyncGenerator[bytes, None]:
        """See ports.blobs.BlobStage."""
        stage, start = self._session.keys.stage(upload), 0
        found = Place.read(place)
        try:
            for piece in found.pieces(min(span.stop, found.size)):
                within = Span(max(span.start - start, 0), piece.size)
                start += piece.size
                if within.start < within.stop:
                    async for read in reading(self._session, stage + piece.name, within):
                        yield read
        except FAILURES as failure:
            with translated("reading the upload"):
                if is_missing(failure):
                    raise _gone() from failure
                raise

    async def promote(self, upload: str, blob: Blob, place: str = "") -> None:
        """See ports.blobs.BlobStage."""
        await self._end(upload)
        await promotion.promote(self._session, upload, blob, place)
        await clear_stage(self._session, upload)

    async def discard(self, upload: str) -> None:
        """See ports.blobs.BlobStage."""
        await self._end(upload)
        await clear_stage(self._session, upload)
        await abort_multiparts(self._session, upload)

    async def _end(self, upload: str) -> None:
        writer = self._writers.get(upload)
        if writer is not None:
            await writer.end()
        self._memories.pop(upload, None)

    def _left(self, upload: str, algorithm: str, known: tuple[str, Hash] | None) -> None:
        """A writer has let go."""
        del self._writers[upload]
        if known is not None:
            self._memories[upload] = _Memory(known[0], algorithm, known[1])
            if len(self._memories) > REMEMBERED:
                self._memories.popitem(last=False)


def _gone() -> BlobUploadUnknown:
    return BlobUploadUnknown("the bytes of the upload are not there; begin a new one")
