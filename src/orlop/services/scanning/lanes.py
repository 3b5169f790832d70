"""Takes steps of scans side by side, so many of each scanner: one that hangs holds what it was asked, and nothing that
others are asked."""

import asyncio
from collections.abc import Awaitable, Callable

from orlop.domain.durations import MINUTE, SECOND
from orlop.domain.queue import Progress
from orlop.ports.clock import Clock
from orlop.ports.scans import ClaimedScan, Scans
from orlop.services.jobs.work import Run

#: Steps of one scanner side by side, and of all: one that did not answer is asked about one image until it does.
_EACH, _ALL = 4, 64
#: How long a step is a process's that gives no sign of life, and how often it gives one, in microseconds.
_LEASE, _RENEW = 30 * SECOND, 8 * SECOND
#: How long the job stays for what is due soon, and how often it looks whether more was asked, in microseconds.
_STAYS, _LOOKS = MINUTE, SECOND


class ScanLanes:
    """`step` takes a scan one step further, and raises nothing; `sleep` waits for seconds."""

    def __init__(
        self,
        scans: Scans,
        step: Callable[[ClaimedScan], Awaitable[None]],
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._scans = scans
        self._step = step
        self._clock = clock
        self._sleep = sleep
        self._under_way: dict[asyncio.Task[None], ClaimedScan] = {}
        self._renewed_at = 0

    async def run(self, run: Run) -> int:
        """Until nothing is under way or due soon; how many steps were taken. What is broken off is another process's
        at once: it does not wait for a lease."""
        steps = 0
        try:
            while True:
                now = self._clock.now()
                await self._renew(now)
                due = await self._begin(now)
                if not self._under_way and (due is None or due > now + _STAYS):
                    return steps
                done = await self._wait(min(max((due or now) - now, _LOOKS // 10), _LOOKS) / SECOND)
                if done:
                    steps += done
                    run.tell(Progress(steps, steps, "steps"))
        finally:
            await self._break_off()

    async def _begin(self, now: int) -> int | None:
        """Begin what may be begun; when the next of a scanner that may be asked more is due."""
        due = None
        for lane in await self._scans.lanes(now):
            mine = sum(each.wanted.scanner == lane.scanner for each in self._under_way.values())
            free = min((1 if lane.is_failing else _EACH) - mine, _ALL - len(self._under_way))
            if free <= 0:
                continue
            claimed: tuple[ClaimedScan, ...] = ()
            if lane.due_at <= now:
                claimed = await self._scans.claim(lane.scanner, now, now + _LEASE, free)
                for each in claimed:
                    self._under_way[asyncio.ensure_future(self._step(each))] = each
            if len(claimed) < free:  # what is left is due later, or is another process's
                later = lane.due_at if lane.due_at > now else now + _LOOKS
                due = later if due is None else min(due, later)
        return due

    async def _renew(self, now: int) -> None:
        if not self._under_way:
            self._renewed_at = now
        elif not 0 <= now - self._renewed_at < _RENEW:
            await self._scans.hold(list(self._under_way.values()), now + _LEASE)
            self._renewed_at = now

    async def _wait(self, seconds: float) -> int:
        """Until a step ended, or so long; how many ended."""
        tick = asyncio.ensure_future(self._sleep(seconds))
        try:
            done, _ = await asyncio.wait({tick, *self._under_way}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            tick.cancel()
        ended = [task for task in self._under_way if task in done]
        for task in ended:
            del self._under_way[task]
            task.result()
        return len(ended)

    async def _break_off(self) -> None:
        left, self._under_way = self._under_way, {}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        for each in left.values():
            await self._scans.later(each, self._clock.now())
