"""When things were pulled: gathered in memory and written in batches, so that no pull waits for a write."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from orlop.domain.names import RepositoryName
from orlop.ports.catalog import Pull, PullTimes
from orlop.ports.clock import Clock

#: Distinct pulls held at most; beyond it the oldest batch is due at once, and further ones are not counted until then.
_HELD = 20_000


class _Count(msgspec.Struct, gc=False):
    """How often, and when the last time."""

    times: int
    last: int


#: Takes how often each repository was pulled from.
Told = Callable[[Mapping[RepositoryName, int]], Awaitable[None]]


async def _untold(pulls: Mapping[RepositoryName, int]) -> None:
    """Nobody else counts."""


class PullLog:
    """Counts pulls until somebody flushes them."""

    def __init__(self, times: PullTimes, clock: Clock, told: Told = _untold) -> None:
        self._times = times
        self._clock = clock
        self._told = told
        self._pulls: dict[Pull, _Count] = {}

    def seen(self, pull: Pull, *, counted: bool = True) -> None:
        """Remember a pull; one that is not `counted` moves only the time.

        Engines resolve a tag with HEAD and get the manifest by its digest: without the first the tag would look unused.
        """
        entry = self._pulls.get(pull)
        if entry is not None:
            entry.times += counted
            entry.last = self._clock.now()
        elif len(self._pulls) < _HELD:
            self._pulls[pull] = _Count(int(counted), self._clock.now())

    async def flush(self) -> int:
        """Write what was gathered; how many distinct pulls."""
        pulls, self._pulls = self._pulls, {}
        if pulls:
            await self._told(_by_repository(pulls))
            await self._times.record([(pull, count.times, count.last) for pull, count in pulls.items()])
        return len(pulls)


def _by_repository(pulls: Mapping[Pull, _Count]) -> dict[RepositoryName, int]:
    times: Counter[RepositoryName] = Counter()
    for pull, count in pulls.items():
        times[pull.repository] += count.times
    return dict(times)
