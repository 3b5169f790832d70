"""Rates that replicas count together: each tells the catalog what was used up there, and hears what was elsewhere.

A request is counted in memory and waits for nothing. So somebody who goes to several replicas at once may get a little
more, at each of them: what comes within a second, and a sixteenth of the rate, of which nobody is told. What was too
much counts against them once it is known. While the catalog is away each replica counts alone.
"""

import asyncio
from collections.abc import Iterable

from orlop.domain.limits import furthest
from orlop.ports.clock import SECOND, Clock
from orlop.ports.rates import RateLedger, Used
from orlop.services.limits.counters import COUNTERS, Counters
from orlop.services.limits.rates import WINDOW

#: How often replicas tell each other, in seconds.
TOLD_EVERY = 1.0
#: How much of a rate has to be used up for others to be told, in microseconds.
_WORTH_TELLING = WINDOW * SECOND // 16
#: Of how many a replica tells at a time, those who used up the most first, and of how many it hears.
_TOLD, _HEARD = 500, 2_000
_NOTHING: Used = (0, 0, 0)


class SharedLimits:
    """For one process of each replica. `counters` are those that all processes of the replica count in."""

    def __init__(self, counters: Counters, ledger: RateLedger, clock: Clock) -> None:
        self._counters = counters
        self._ledger = ledger
        self._clock = clock
        self._known: dict[int, Used] = {}

    async def tell(self) -> int:
        """Tell and hear once; of how many others told. Raises what the ledger raises: they are told the next time."""
        now = self._clock.now()
        until = now + furthest(WINDOW * SECOND)
        here = self._used(await self._worth_telling(now), now, until)
        more = {who: _more(used, self._known.get(who, _NOTHING), now) for who, used in here.items()}
        everywhere = await self._ledger.tell(more, now, until, limit=_HEARD)
        self._known = {who: used for who, used in self._known.items() if max(used) > now} | here
        for who, used in everywhere.items():
            self._known[who] = self._count(who, here.get(who, (now, now, now)), _between(now, used, until), until)
        return len(everywhere)

    async def _worth_telling(self, now: int) -> set[int]:
        """Hashes of those who used up so much, or of whom was told before."""
        found = set(self._known)
        for counter in range(COUNTERS):
            found.update(self._counters.beyond(counter, now + _WORTH_TELLING))
            await asyncio.sleep(0)  # each takes a millisecond: requests go first
        return found

    def _used(self, whom: Iterable[int], now: int, until: int) -> dict[int, Used]:
        """What they have used up here, of those who have something."""
        found = []
        for who in whom:
            place = self._counters.find(who)
            if place is None:
                continue
            used = _between(now, self._counters.table[place + 1 : place + 1 + COUNTERS], until)
            if max(used) > now:
                found.append((who, used))
        found.sort(key=lambda each: max(each[1]), reverse=True)
        return dict(found[:_TOLD])

    def _count(self, who: int, here: Used, everywhere: Used, until: int) -> Used:
        """Count here what was used up elsewhere. What is known now."""
        table = self._counters.table
        for counter, (own, all_) in enumerate(zip(here, everywhere, strict=True), self._counters.place(who) + 1):
            if all_ > own:
                used = table[counter]  # perhaps more by now
                table[counter] = min((used if own <= used <= until else own) + all_ - own, until)
        one, two, three = (max(each) for each in zip(here, everywhere, strict=True))
        return one, two, three


def _between(now: int, used: Iterable[int], until: int) -> Used:
    """Times that lie beyond were counted before a clock was set back, and count for nothing."""
    one, two, three = (each if now < each <= until else now for each in used)
    return one, two, three


def _more(used: Used, known: Used, now: int) -> Used:
    """What was used up since others were told, in microseconds."""
    one, two, three = (max(0, after - max(before, now)) for after, before in zip(used, known, strict=True))
    return one, two, three
