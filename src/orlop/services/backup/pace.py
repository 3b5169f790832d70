"""How fast bytes may go."""

from collections.abc import Awaitable, Callable

from orlop.ports.clock import SECOND, Clock


class Pace:
    """Lets through `limit` bytes a second, of all who use it together; 0: as many as come. `sleep` takes seconds."""

    def __init__(self, limit: int, clock: Clock, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._limit = limit
        self._clock = clock
        self._sleep = sleep
        self._free_at = 0

    async def spend(self, size: int) -> None:
        """Wait until so many bytes more may go."""
        if not self._limit:
            return
        now = self._clock.now()
        start = max(now, min(self._free_at, now + 60 * SECOND))
        self._free_at = start + size * SECOND // self._limit
        if start > now:
            await self._sleep((start - now) / SECOND)
