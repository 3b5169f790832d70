"""Turns at something that few may do at once: whoever asks for much waits for themselves, and not before others."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from orlop.domain.errors import TooManyRequests, Unavailable


class FairTurns:
    """`at_once` turns, of which each asker has one at a time. Those who wait are let in by turns, one asker after the
    other. `waiting`: how many may wait in all, `each`: how many turns one asker may have or wait for. `again`: when
    those may come again who are sent away, in seconds."""

    def __init__(self, at_once: int, waiting: int, each: int, again: int) -> None:
        self._free = at_once
        self._most = waiting
        self._each = each
        self._again = again
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._asked: Counter[str] = Counter()
        self._has: set[str] = set()

    @asynccontextmanager
    async def turn(self, asker: str) -> AsyncIterator[None]:
        """Wait for a turn, and have it. Raises TooManyRequests for an asker who waits for too many, and Unavailable
        where too many wait."""
        if self._asked[asker] >= self._each:
            raise TooManyRequests(
                f"you have {self._each} archives being read; wait for one of them", retry_after=self._again
            )
        if sum(map(len, self._waiting.values())) >= self._most:
            raise Unavailable("too many archives are being read; try again", retry_after=self._again)
        self._asked[asker] += 1
        try:
            await self._wait(asker)
            try:
                yield
            finally:
                if asker in self._waiting:
                    self._waiting.move_to_end(asker)
                self._has.discard(asker)
                self._free += 1
                self._call()
        finally:
            self._asked[asker] -= 1
            if not self._asked[asker]:
                del self._asked[asker]

    async def _wait(self, asker: str) -> None:
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line = self._waiting.setdefault(asker, deque())
        line.append(called)
        self._call()
        try:
            await called
        except asyncio.CancelledError:
            if not called.cancelled():  # it was called just then
                self._has.discard(asker)
                self._free += 1
            elif called in line:
                line.remove(called)
                if not line:
                    del self._waiting[asker]
            self._call()
            raise

    def _call(self) -> None:
        """Give the turns that are free to the first of those who have none."""
        while self._free:
            asker = next((each for each in self._waiting if each not in self._has), None)
            if asker is None:
                return
            line = self._waiting[asker]
            called = line.popleft()
            if not line:
                del self._waiting[asker]
            if not called.cancelled():
                called.set_result(None)
                self._has.add(asker)
                self._free -= 1
