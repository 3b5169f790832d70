"""Copies and stages in memory. What is durable here is what a checkpoint covered; it lasts as long as the process."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial

from orlop.domain.blob import Blob, BlobKey
from orlop.domain.digest import Digest, digest_from, digest_of, new_hash
from orlop.domain.errors import BlobUploadUnknown, ContentCorrupt, TooManyRequests
from orlop.domain.ranges import Span
from orlop.ports.blobs import PIECE, Staged, StoredCopy, StoredStage
from orlop.ports.clock import Clock


@dataclass(slots=True)
class Copy:
    """A finished copy."""

    content: bytearray
    modified_at: int


@dataclass(slots=True)
class Stage:
    """Bytes of an upload; those from `durable` on go when its writer closes. None: nothing ever came."""

    modified_at: int
    content: bytearray = field(default_factory=bytearray)
    durable: int | None = None
    writer: "_Writer | None" = None


class MemoryBlobs:
    """See ports.blobs: BlobReader, BlobRemover, BlobInventory. `held` and `staged` are open to tests that do damage."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.held: dict[BlobKey, Copy] = {}
        self.staged: dict[str, Stage] = {}

    async def open(self, blob: Blob) -> "_Content":
        copy = self.held.get(blob.key)
        if copy is None or len(copy.content) != blob.size:
            raise ContentCorrupt(f"the copy {blob.key.copy} of {blob.key.digest} is missing or of another size")
        return _Content(blob, copy.content)

    async def remove(self, key: BlobKey) -> None:
        self.held.pop(key, None)

    async def copies(self) -> AsyncIterator[StoredCopy]:
        for key, copy in tuple(self.held.items()):
            yield StoredCopy(Blob(key, len(copy.content)), copy.modified_at)

    async def stages(self) -> AsyncIterator[StoredStage]:
        for upload, stage in tuple(self.staged.items()):
            yield StoredStage(upload, stage.modified_at)

    async def check(self) -> None:
        """Memory that is there can be read and written."""


class MemoryStage:
    """See ports.blobs.BlobStage."""

    def __init__(self, blobs: MemoryBlobs, clock: Clock) -> None:
        self._blobs = blobs
        self._clock = clock

    async def open(self, upload: str, offset: int, algorithm: str, place: str = "") -> "_Writer":
        stage = self._blobs.staged.get(upload)
        if stage is None and offset == 0:
            stage = self._blobs.staged[upload] = Stage(self._clock.now())
        if stage is None or (stage.durable or 0) < offset:
            raise _gone(upload)
        if stage.writer is not None:
            raise _busy()
        stage.writer = _Writer(stage, offset, algorithm, self._clock, partial(self._blobs.staged.pop, upload, None))
        return stage.writer

    async def digest(self, upload: str, size: int, algorithm: str, place: str = "") -> Digest:
        stage = self._blobs.staged.get(upload)
        if stage is None or (stage.durable or 0) < size:
            raise _gone(upload)
        return digest_of(bytes(stage.content[:size]), algorithm)

    async def read(self, upload: str, span: Span, place: str = "") -> AsyncGenerator[bytes, None]:
        stage = self._blobs.staged.get(upload)
        if stage is None:
            raise _gone(upload)
        for start in range(span.start, min(span.stop, stage.durable or 0), PIECE):
            yield bytes(stage.content[start : min(start + PIECE, span.stop, stage.durable or 0)])

    async def promote(self, upload: str, blob: Blob, place: str = "") -> None:
        stage = self._blobs.staged.get(upload)
        if stage is not None and stage.durable == blob.size:
            self._blobs.held[blob.key] = Copy(stage.content[: blob.size], self._clock.now())
            del self._blobs.staged[upload]
        elif blob.key not in self._blobs.held:
            raise _gone(upload)

    async def discard(self, upload: str) -> None:
        self._blobs.staged.pop(upload, None)


class _Writer:
    """See ports.blobs.StageWriter."""

    def __init__(self, stage: Stage, offset: int, algorithm: str, clock: Clock, drop: Callable[[], object]) -> None:
        del stage.content[offset:]
        if stage.durable is not None:
            stage.durable = offset
        self._drop = drop
        self._stage = stage
        self._clock = clock
        self._algorithm = algorithm
        self._hash = new_hash(algorithm) if offset == 0 else None

    @property
    def offset(self) -> int:
        return len(self._stage.content)

    def place(self, size: int) -> str:
        return ""

    async def write(self, piece: bytes) -> None:
        self._stage.content += piece
        self._stage.durable = self._stage.durable or 0
        self._stage.modified_at = self._clock.now()
        if self._hash is not None:
            self._hash.update(piece)

    async def checkpoint(self) -> Staged:
        self._stage.durable = len(self._stage.content)
        known = digest_from(self._algorithm, self._hash) if self._hash is not None else None
        return Staged(self._stage.durable, known)

    async def progress(self) -> Staged:
        return await self.checkpoint()

    async def close(self) -> None:
        if self._stage.writer is self:
            del self._stage.content[self._stage.durable or 0 :]
            self._stage.writer = None
            if self._stage.durable is None:
                self._drop()


class _Content:
    """See ports.blobs.BlobContent."""

    def __init__(self, blob: Blob, content: bytearray) -> None:
        self._blob = blob
        self._content = content
        self.size = blob.size

    async def read(self) -> bytes:
        self._check()
        return bytes(self._content)

    async def chunks(self, span: Span, most: int = PIECE) -> AsyncIterator[bytes]:
        for start in range(span.start, span.stop, most):
            self._check()
            yield bytes(self._content[start : min(start + most, span.stop)])

    def close(self) -> None:
        """Nothing is held."""

    def _check(self) -> None:
        if len(self._content) != self.size:
            raise ContentCorrupt(f"the copy {self._blob.key.copy} of {self._blob.key.digest} was cut short")


def _busy() -> TooManyRequests:
    return TooManyRequests("another writer has this upload open; try again when it has ended")


def _gone(upload: str) -> BlobUploadUnknown:
    return BlobUploadUnknown(f"the bytes of upload {upload[:64]} are not there; begin a new one")
