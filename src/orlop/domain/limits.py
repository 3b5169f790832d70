"""How often something may happen: the arithmetic of rates, in whole microseconds. Callers are not counted here.

The generic cell rate algorithm (ITU-T I.371, in its virtual scheduling form): all that is kept of somebody is one time,
until when they have used up what they may. It says the same as a bucket of tokens that fills steadily.
"""

from typing import NamedTuple


class Rate(NamedTuple):
    """`times` things in `per` microseconds, and at most `burst` at once."""

    times: int
    per: int
    burst: int

    @property
    def interval(self) -> int:
        """Microseconds that one thing uses up."""
        return max(1, self.per // self.times)

    @property
    def reach(self) -> int:
        """How far ahead of now somebody may have used up, in microseconds."""
        return self.interval * self.burst


def take(used: int, now: int, interval: int, reach: int, furthest: int) -> tuple[int, int]:
    """Use up one thing: until when all is used up then, and 0; or `used` as it was, and how long to wait before the
    next try, in microseconds.

    A `used` that lies further ahead than `furthest` was written before the clock was set back: it counts for nothing.
    Nobody who is counted in one place gets beyond `reach`.
    """
    ahead = used - now
    if not 0 <= ahead <= furthest:
        ahead = 0
    after = ahead + interval
    return (now + after, 0) if after <= reach else (used, after - reach)


def furthest(reach: int) -> int:
    """How far ahead of now somebody may be found who came to several that count on their own, and only told each other
    later: such a debt is waited for, up to as much again as the rate can reach."""
    return 2 * reach


class Bucket(NamedTuple):
    """What is left of a rate, for one counter in a process of its own."""

    used: int = 0

    def take(self, now: int, rate: Rate) -> tuple["Bucket", int]:
        """As `take`."""
        used, wait = take(self.used, now, rate.interval, rate.reach, rate.reach)
        return Bucket(used), wait


class Allowance(NamedTuple):
    """How somebody stands: of `quota` things in `window` seconds `remaining` are left, and all again in `reset`."""

    name: str
    quota: int
    window: int
    remaining: int
    reset: int
