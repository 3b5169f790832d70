"""Work that never ends and that one process at a time does: it holds a lease for as long as it lives."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from orlop.domain.errors import RegistryError, Stale
from orlop.ports.clock import SECOND, Clock
from orlop.ports.jobs import Lease, Leases

_log = structlog.get_logger("orlop.worker")

#: How long a lease holds without a sign of life, and when it is renewed, in microseconds: after a kill somebody else
#: goes on within the first.
_LEASE, _RENEW = 20 * SECOND, 6 * SECOND
#: How often somebody without the lease asks for it, and the longest pause after failures, in seconds.
_ASK_EVERY, _LONGEST_PAUSE = 5.0, 30.0
#: How often it is looked whether there is news, in seconds: where there always is some, steps come as often.
_LOOK_EVERY = 0.25


class LastingWork:
    """Does `step` every second or so while this process has the lease on `job`, and `last` when it ends, before it lets
    go of the lease.

    A step takes much less than a lease. Where `news` gives something else than before, the next one begins soon.
    """

    def __init__(
        self,
        job: str,
        step: Callable[[Lease], Awaitable[object]],
        leases: Leases,
        clock: Clock,
        owner: str,
        *,
        every: float = 1.0,
        news: Callable[[], object] | None = None,
        last: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._job = job
        self._step = step
        self._leases = leases
        self._clock = clock
        self._owner = owner
        self._every = every
        self._news = news
        self._known: object = None
        self._last = last
        self._called = asyncio.Event()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._lease: Lease | None = None
        self._failures = 0

    def start(self) -> None:
        """Begin; needs a running event loop."""
        self._task = asyncio.create_task(self._run())

    def call(self) -> None:
        """There is something to do: do not wait."""
        self._called.set()

    async def stop(self) -> None:
        """End after the step under way and one last, and let go of the lease."""
        self._stopping.set()
        self._called.set()
        if self._task is not None:
            await self._task
        if self._lease is not None:
            await self._once()
        if self._last is not None:
            await self._last()
        lease = self._lease
        if lease is not None:
            try:
                await self._leases.release(lease, now=self._clock.now(), outcome="stopped")
            except RegistryError as error:
                _log.warning("a lease was not given back", job=self._job, reason=error.message)

    async def _run(self) -> None:
        while not self._stopping.is_set():
            self._called.clear()
            self._known = self._news() if self._news is not None else None
            await self._once()
            await self._wait(self._pause())

    async def _wait(self, pause: float) -> None:
        """Wait so long, or until there is a call or news; after a failure it is waited all the same."""
        listening = self._lease is not None and not self._failures
        while pause > 0 and not self._stopping.is_set():
            part = min(pause, _LOOK_EVERY) if listening and self._news is not None else pause
            pause -= part
            with suppress(TimeoutError):
                await asyncio.wait_for(self._called.wait() if listening else self._stopping.wait(), part)
            if listening and self._is_called():
                return

    def _is_called(self) -> bool:
        return self._called.is_set() or (self._news is not None and self._news() != self._known)

    def _pause(self) -> float:
        if self._failures:
            return float(min(self._every * 2**self._failures, _LONGEST_PAUSE))
        return self._every if self._lease is not None else _ASK_EVERY

    async def _once(self) -> None:
        try:
            self._lease = await self._held()
            if self._lease is not None:
                await self._step(self._lease)
            self._failures = 0
        except Stale as lost:
            self._lease = None
            _log.warning("another process goes on with this", job=self._job, reason=lost.message)
        except RegistryError as error:
            self._failures += 1
            _log.warning("the job failed and will be tried again", job=self._job, reason=error.message)
        except Exception:  # noqa: BLE001 - the last door: a defect of ours is logged, and the work goes on
            self._failures += 1
            _log.exception("the job failed and will be tried again", job=self._job)

    async def _held(self) -> Lease | None:
        now = self._clock.now()
        lease = self._lease
        if lease is not None:
            if now < lease.until - _LEASE + _RENEW and lease.until - now <= _LEASE:
                return lease
            renewed = await self._leases.renew(lease, until=now + _LEASE)
            if renewed is not None:
                return renewed
        return await self._leases.acquire(self._job, self._owner, now=now, until=now + _LEASE)
