"""A server tells the others on its catalog that it is there, and what it is."""

from collections.abc import Callable

import msgspec

from orlop.domain.durations import DAY, SECOND
from orlop.domain.errors import RegistryError
from orlop.ports.clock import Clock
from orlop.ports.replicas import Replica, Replicas

#: How often it tells, in seconds.
TOLD_EVERY = 30.0
#: One that has not told for so long, in microseconds, is there no more: it missed three times.
GONE_AFTER = 100 * SECOND
#: Until when it is remembered that one was there.
_KEPT = DAY
#: No more servers are told of.
_MOST = 200


class Presence:
    """Of the server that this process is of; `itself.seen_at` counts for nothing. `ending`: it is about to end."""

    def __init__(self, replicas: Replicas, itself: Replica, clock: Clock, ending: Callable[[], bool]) -> None:
        self._replicas = replicas
        self._itself = itself
        self._clock = clock
        self._ending = ending

    async def tell(self) -> None:
        """It is there, or leaves. What cannot be told now is told the next time."""
        now = self._clock.now()
        try:
            if self._ending():
                await self._replicas.left(self._itself.id)
            else:
                await self._replicas.seen(msgspec.structs.replace(self._itself, seen_at=now), now - _KEPT)
        except RegistryError:
            return


async def there(replicas: Replicas, itself: Replica, now: int) -> tuple[Replica, ...]:
    """The servers that are there, with the one that is asked, by when they started. Raises Unavailable."""
    found = {one.id: one for one in await replicas.since(now - GONE_AFTER, _MOST)}
    found.setdefault(itself.id, msgspec.structs.replace(itself, seen_at=now))
    return tuple(sorted(found.values(), key=lambda one: (one.started_at, one.id)))
