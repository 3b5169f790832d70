"""The stages on which uploads gather: who writes, what is buffered, what is remembered. The blocking half is
stage_file.py."""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from typing import Any, TypeVar

from orlop.adapters.filesystem import promotion
from orlop.adapters.filesystem.layout import DataFolder
from orlop.adapters.filesystem.pipeline import Pipeline, Traffic
from orlop.adapters.filesystem.stage_file import Memory, StageFile, State, busy, drop_stage, hash_stage, read_stage
from orlop.adapters.filesystem.threads import DiskThreads
from orlop.domain.blob import Blob
from orlop.domain.digest import Digest, digest_from
from orlop.domain.errors import BlobUploadUnknown
from orlop.domain.ranges import Span
from orlop.ports.blobs import PIECE, Staged, StageWriter

T = TypeVar("T")

#: How much a writer gathers before a thread takes it, in bytes: a hop costs as much as hashing some 100 KiB.
BUFFER = 1024 * 1024
#: How much all writers together may hold back, in bytes; beyond it every piece goes to a thread at once, so that
#: thousands of slow clients cannot fill the memory.
HELD = 32 * 1024 * 1024
#: How many sessions' hashes are remembered between their chunks; about 600 bytes each.
REMEMBERED = 4096


class FilesystemStage:
    """See ports.blobs.BlobStage."""

    def __init__(self, folder: DataFolder, threads: DiskThreads) -> None:
        self._folder = folder
        self.threads = threads
        self._writers: dict[str, _Writer] = {}
        self._memories: OrderedDict[str, Memory] = OrderedDict()
        self.traffic = Traffic()
        self.held = 0

    async def open(self, upload: str, offset: int, algorithm: str, place: str = "") -> StageWriter:
        """See ports.blobs.BlobStage.

        A stage at 0 is not touched before there is something to write, so that a small upload costs one hop in all;
        that another process writes it shows then.
        """
        path = self._folder.stage(upload)
        if upload in self._writers:
            raise busy()
        memory = self._memories.pop(upload, None)
        writer = self._writers[upload] = _Writer(self, upload, StageFile(path, offset, algorithm), algorithm)
        if offset:
            try:
                await writer.begin(memory)
            except BaseException:
                await writer.close()
                raise
        return writer

    async def digest(self, upload: str, size: int, algorithm: str, place: str = "") -> Digest:
        """See ports.blobs.BlobStage."""
        stop = threading.Event()
        try:
            state = await self.threads.call(hash_stage, self._folder.stage(upload), size, algorithm, stop)
        finally:
            stop.set()
        return digest_from(algorithm, state)

    async def read(self, upload: str, span: Span, place: str = "") -> AsyncGenerator[bytes, None]:
        """See ports.blobs.BlobStage."""
        path = self._folder.stage(upload)
        for start in range(span.start, span.stop, PIECE):
            length = min(PIECE, span.stop - start)
            piece = await self.threads.call(read_stage, path, start, length)
            if piece:
                yield piece
            if len(piece) < length:
                return

    async def promote(self, upload: str, blob: Blob, place: str = "") -> None:
        """See ports.blobs.BlobStage."""
        self._memories.pop(upload, None)
        writer = self._writers.get(upload)
        if writer is None:
            await self.threads.call(promotion.promote, self._folder, upload, blob, None)
        else:
            await writer.promote(self._folder, blob)

    async def discard(self, upload: str) -> None:
        """See ports.blobs.BlobStage."""
        path = self._folder.stage(upload)
        self._memories.pop(upload, None)
        writer = self._writers.get(upload)
        if writer is not None:
            await writer.end()
        await self.threads.call(drop_stage, path)

    def left(self, upload: str, memory: Memory | None) -> None:
        """A writer has let go."""
        del self._writers[upload]
        if memory is not None and memory.is_lasting:
            self._memories[upload] = memory
            if len(self._memories) > REMEMBERED:
                self._memories.popitem(last=False)


class _Writer:
    """See ports.blobs.StageWriter. A body that fits into the buffer is one call to a thread; a larger one goes through
    a pipeline, from one checkpoint to the next."""

    def __init__(self, stage: FilesystemStage, upload: str, file: StageFile, algorithm: str) -> None:
        self._stage = stage
        self._upload = upload
        self._file = file
        self._algorithm = algorithm
        self._pieces: list[bytes] = []
        self._gathered = 0
        self._offset = file.offset
        self._pipeline: Pipeline | None = None
        self._work: asyncio.Future[Any] | None = None
        self._memory: Memory | None = None
        self._ended = False
        self._closed = False

    @property
    def offset(self) -> int:
        """See ports.blobs.StageWriter."""
        return self._offset

    async def begin(self, memory: Memory | None) -> None:
        """Open the file now."""
        self._start(self._file.open, memory)
        await self._settled()

    def place(self, size: int) -> str:
        """See ports.blobs.StageWriter. The upload's name is enough."""
        return ""

    async def write(self, piece: bytes) -> None:
        """See ports.blobs.StageWriter."""
        self._check()
        if not piece:
            return
        self._memory = None
        self._pieces.append(piece)
        self._gathered += len(piece)
        self._offset += len(piece)
        self._stage.held += len(piece)
        if self._gathered >= BUFFER or self._stage.held > HELD:
            if self._pipeline is None:
                await self._settled()
                self._check()
                self._pipeline = Pipeline(self._file, self._stage.threads, self._stage.traffic)
            await self._pipeline.room()
            self._check()
            self._pipeline.put(self._take())

    async def checkpoint(self) -> Staged:
        """See ports.blobs.StageWriter."""
        self._check()
        await self._settled()
        if self._pipeline is not None:
            await self._pipeline.finish()
        self._check()
        self._start(self._file.sync, self._take())
        self._memory = await self._settled()
        if self._pipeline is not None:
            await self._pipeline.flushed()  # which may have been told of a failure that `sync` was not
            self._pipeline = None
        return self._kept(self._offset, None if self._memory is None else self._memory.hash)

    async def progress(self) -> Staged:
        """See ports.blobs.StageWriter."""
        self._check()
        if self._pipeline is not None:
            reached = self._pipeline.reached
            if reached.offset <= self._file.kept:
                reached = await self._pipeline.flushed()
            if reached.offset > self._file.kept:
                return self._kept(*reached)
        return await self.checkpoint()

    def _kept(self, offset: int, state: State | None) -> Staged:
        self._file.kept = offset
        return Staged(offset, None if state is None else digest_from(self._algorithm, state))

    async def end(self) -> None:
        """Let nobody write any more, and wait for what is under way."""
        self._ended = True
        if self._pipeline is not None:
            self._pipeline.stop()
        await self._idle()

    async def promote(self, folder: DataFolder, blob: Blob) -> None:
        """End, and promote the open file; `close` waits for that as for any other work on its descriptor."""
        await self.end()
        while any(not each.done() for each in self._under_way()):  # somebody else promotes it as well
            await self._idle()
        self._start(promotion.promote, folder, self._upload, blob, self._file)
        await self._settled()

    async def close(self) -> None:
        """See ports.blobs.StageWriter."""
        if self._closed:
            return
        self._closed = True
        self._take()
        try:
            await self._idle()
            if self._file.has_loose_end and not self._ended:
                self._start(self._file.trim)
                await self._idle()
        finally:
            under_way = self._under_way()
            if all(each.done() for each in under_way):
                self._leave()
            else:
                asyncio.gather(*under_way, return_exceptions=True).add_done_callback(self._leave)

    def _leave(self, _: asyncio.Future[Any] | None = None) -> None:
        self._file.close()
        self._stage.left(self._upload, None if self._ended else self._memory)

    def _check(self) -> None:
        if self._closed or self._ended:
            raise BlobUploadUnknown("the upload has ended")

    def _take(self) -> list[bytes]:
        pieces, self._pieces = self._pieces, []
        self._stage.held -= self._gathered
        self._gathered = 0
        return pieces

    def _start(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._work = self._stage.threads.call(function, *arguments)

    async def _settled(self) -> Any:
        """What the last work came to. It stays the last until another starts; what failed, the file remembers, too."""
        if self._work is not None:
            return await asyncio.shield(self._work)
        return None

    def _under_way(self) -> list[asyncio.Future[Any]]:
        work = [] if self._work is None else [self._work]
        return work if self._pipeline is None else [*work, *self._pipeline.under_way()]

    async def _idle(self) -> None:
        under_way = self._under_way()
        if under_way:
            await asyncio.wait(under_way)
        for each in under_way:
            if not each.cancelled():
                each.exception()
