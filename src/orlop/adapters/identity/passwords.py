"""Argon2id (RFC 9106), off the event loop, with a bound on how many hashes are under way at once and how many wait."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from orlop.domain.errors import TooManyRequests

T = TypeVar("T")

#: 19 MiB, 2 passes, 1 lane: the least that OWASP's "Password Storage" asks of Argon2id. Kept low because each costs its
#: memory while it runs, and anybody can ask for one.
_MEMORY_KIB, _PASSES, _LANES = 19 * 1024, 2, 1

#: Costs, and a salt and hash that were drawn at random: what is computed for accounts that are not there.
_NOBODY = "$argon2id$v=19$m={},t={},p={}$Iq6r3Rt5TpZriZyQxXO8dg$4+m7J25DHN/4mTwfMYivBU9DwIvlR7SbwKJDSZi8PvU"

#: Hashes that a process computes at once, and that wait for their turn.
AT_ONCE, WAITING = 2, 32


class Argon2Hasher:
    """See ports.credentials.PasswordHasher. Close it when done."""

    def __init__(
        self, *, at_once: int = AT_ONCE, waiting: int = WAITING, memory_kib: int = _MEMORY_KIB, passes: int = _PASSES
    ) -> None:
        self._argon2 = argon2.PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=_LANES)
        self._nobody = _NOBODY.format(memory_kib, passes, _LANES)
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="argon2")
        self._most = at_once + waiting
        self._asked = 0

    async def hash(self, password: str) -> str:
        return await self._run(lambda: self._argon2.hash(password))

    async def verify(self, hash: str | None, password: str) -> bool:  # noqa: A002
        right = await self._run(lambda: self._matches(hash or self._nobody, password))
        return right and hash is not None

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _matches(self, kept: str, password: str) -> bool:
        try:
            return self._argon2.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._asked >= self._most:
            raise TooManyRequests("too many passwords are being checked; try again in a moment")
        self._asked += 1
        try:
            running = asyncio.get_running_loop().run_in_executor(self._threads, work)
        except RuntimeError:
            self._asked -= 1
            raise
        # A client that goes away frees its place only when its thread is done.
        running.add_done_callback(self._done)
        return await asyncio.shield(running)

    def _done(self, finished: "asyncio.Future[T]") -> None:
        self._asked -= 1
        if not finished.cancelled():
            finished.exception()
