"""A large body on its way into its stage: what came is hashed while it is written, what was written is flushed while
more comes. One after the other they took nearly twice as long (docs/performance.md).
"""

import asyncio
from collections import deque
from typing import Any, NamedTuple

from orlop.adapters.filesystem.stage_file import StageFile, State
from orlop.adapters.filesystem.threads import DiskThreads, Strand

#: How many parts may be under way for one upload: what is done with one may take longer than with the next.
AHEAD = 3
#: How many bytes may be under way for all uploads together before each has to be content with one part.
UNDER_WAY = 32 * 1024 * 1024
#: How many bytes are left to a flush: the disk has something to do while more of them come.
FLUSH = 8 * 1024 * 1024
#: How many flushes wait for the disk at once: each takes a thread, and only saves time to whoever waits in the end.
FLUSHES = 2


class Traffic:
    """What all uploads of a process have under way."""

    def __init__(self) -> None:
        self.size = 0
        self.flushes = 0


class _Part(NamedTuple):
    """Bytes that are being written and hashed, `size` of them, up to `end` of the stage."""

    end: int
    size: int
    written: asyncio.Future[None]
    hashed: asyncio.Future[State | None]


class Reached(NamedTuple):
    """How far a stage has come, and the hash of so much of it where it is known."""

    offset: int
    hash: State | None


class Pipeline:
    """Takes parts of a body, in order. Whatever failed shows at the next step, and nothing else is done then."""

    def __init__(self, file: StageFile, threads: DiskThreads, traffic: Traffic) -> None:
        self._file = file
        self._threads = threads
        self._traffic = traffic
        self._writes = Strand(threads)
        self._hashes = Strand(threads)
        self._parts: deque[_Part] = deque()
        self._end = file.offset
        self._flush: asyncio.Future[None] | None = None
        self._flushing = Reached(file.offset, None)
        self._flushed = self._flushing

    async def room(self) -> None:
        """Wait until there is room for another part. Raises what became of those before."""
        while self._parts and (len(self._parts) >= AHEAD or self._traffic.size > UNDER_WAY):
            await self._advance()

    def put(self, pieces: list[bytes]) -> None:
        """Take a part."""
        size = sum(map(len, pieces))
        self._end += size
        self._traffic.size += size
        self._parts.append(
            _Part(
                self._end,
                size,
                self._writes.call(self._file.write, pieces),
                self._hashes.call(self._file.update_hash, pieces),
            )
        )

    async def _advance(self) -> None:
        """Wait for the first of the parts, and have what is written by then flushed, if it is enough."""
        part = self._parts[0]
        await asyncio.shield(part.written)
        state = await asyncio.shield(part.hashed)
        self._parts.popleft()
        self._traffic.size -= part.size
        self._note_flush()
        if self._flush is None and part.end - self._flushing.offset >= FLUSH and self._traffic.flushes < FLUSHES:
            self._flushing = Reached(part.end, state)
            self._traffic.flushes += 1
            self._flush = self._threads.call(self._file.flush)
            self._flush.add_done_callback(self._count_flush)

    def _count_flush(self, _: asyncio.Future[None]) -> None:
        self._traffic.flushes -= 1

    def _note_flush(self) -> None:
        if self._flush is not None and self._flush.done():
            self._flush.result()
            self._flush = None
            self._flushed = self._flushing

    async def finish(self) -> None:
        """Wait for all parts."""
        while self._parts:
            await self._advance()

    async def flushed(self) -> Reached:
        """Wait for the flush under way, if there is one; how far the stage is durable then."""
        if self._flush is not None:
            await asyncio.shield(self._flush)
            self._note_flush()
        return self._flushed

    @property
    def reached(self) -> Reached:
        """How far the stage is known to be durable."""
        self._note_flush()
        return self._flushed

    def under_way(self) -> list[asyncio.Future[Any]]:
        """What has to end before the file may be closed. To be asked for when no part comes any more."""
        left = [each for part in self._parts for each in (part.written, part.hashed)]
        return left if self._flush is None else [*left, self._flush]

    def give_up(self) -> None:
        """Count the parts that nobody waits for no more."""
        self._traffic.size -= sum(part.size for part in self._parts)
        self._parts.clear()
