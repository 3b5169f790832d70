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

    def count(self, size: int) -> None:
        """So many bytes more, or fewer."""
        self.size += size


class _Part(NamedTuple):
    """Bytes of a stage up to `end`, and what became of writing and of hashing them."""

    end: int
    outcome: asyncio.Future[tuple[BaseException | None, State | BaseException | None]]


class Reached(NamedTuple):
    """How far a stage has come, and the hash of so much of it where it is known."""

    offset: int
    hash: State | None


class Pipeline:
    """Takes parts of a body, in order. Whatever failed shows when the part is waited for, and then again and again."""

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
        self._is_stopped = False

    async def room(self) -> None:
        """Wait until there is room for another part. Raises what became of those before."""
        while self._parts and (len(self._parts) >= AHEAD or self._traffic.size > UNDER_WAY):
            await self._advance()

    def put(self, pieces: list[bytes]) -> None:
        """Take a part."""
        size = sum(map(len, pieces))
        written = self._writes.call(self._file.write, pieces)
        hashed = self._hashes.call(self._file.update_hash, pieces)
        outcome = asyncio.gather(written, hashed, return_exceptions=True)
        outcome.add_done_callback(lambda _: self._traffic.count(-size))
        self._traffic.count(size)
        self._end += size
        self._parts.append(_Part(self._end, outcome))

    async def _advance(self) -> None:
        """Wait for the first of the parts, and have what is written by then flushed, if it is enough."""
        part = self._parts[0]
        written, state = await asyncio.shield(part.outcome)
        if written is not None:
            raise written
        if isinstance(state, BaseException):
            raise state
        self._parts.popleft()
        self._note_flush()
        if self._may_flush and part.end - self._flushing.offset >= FLUSH:
            self._flushing = Reached(part.end, state)
            self._traffic.flushes += 1
            self._flush = self._threads.call(self._file.flush)
            self._flush.add_done_callback(self._count_flush)

    @property
    def _may_flush(self) -> bool:
        return self._flush is None and not self._is_stopped and self._traffic.flushes < FLUSHES

    def _count_flush(self, _: asyncio.Future[None]) -> None:
        self._traffic.flushes -= 1

    def _note_flush(self) -> None:
        if self._flush is not None and self._flush.done():
            self._flush.result()
            self._flush = None
            self._flushed = self._flushing

    def stop(self) -> None:
        """Begin no flush any more: who syncs the file from now on is to be told what becomes of it."""
        self._is_stopped = True

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
        left: list[asyncio.Future[Any]] = [part.outcome for part in self._parts]
        return left if self._flush is None else [*left, self._flush]
