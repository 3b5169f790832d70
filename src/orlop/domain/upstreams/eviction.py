"""In which order what is cached goes.

What is cached stands in a queue by when it was certainly used last. It may have been used later, which is looked up
when its turn comes: so a pull writes nothing for it, and only what is at the head of the queue is looked at.
"""

from collections.abc import Mapping, Sequence

import msgspec

from orlop.domain.durations import HOUR

#: What came, or was pulled, less long ago is not evicted: somebody may still be pulling the rest of it.
MOMENT = HOUR

#: Beyond a bound so much of it goes that this many percent of the bound are left, so that not every pull is over it.
DOWN_TO = 90


class Cached(msgspec.Struct, frozen=True):
    """A cached manifest at its turn. Times are in microseconds since 1970, UTC."""

    manifest: int
    """Its row."""
    queued_at: int
    """Where it stands in the queue."""
    used_at: int
    """When it, what it lists or what refers to it came or was pulled last."""
    follows: bool
    """It is listed by an index, or refers to a subject, that is cached beside it: it goes with that."""
    locked: bool
    """It, or what would go with it, is locked."""


class Turn(msgspec.Struct, frozen=True):
    """What becomes of those at the head of the queue."""

    going: tuple[Cached, ...]
    """The longest unused first."""
    later: Mapping[int, int]
    """Where others stand from now on, by row."""


def turn(head: Sequence[Cached], *, more: bool, until: int, now: int) -> Turn:
    """Who of the `head` of a queue, in its order, goes for having been unused since `until`.

    Nobody goes who was used later than somebody that stays: behind the head there may be `more`, none of which was
    used before the last of it.
    """
    horizon = min(until, head[-1].queued_at) if more and head else until
    going = [each for each in head if not (each.follows or each.locked) and each.used_at <= horizon]
    gone = {each.manifest for each in going}
    later = {
        each.manifest: now if each.follows or each.locked else each.used_at
        for each in head
        if each.manifest not in gone
    }
    return Turn(tuple(sorted(going, key=lambda each: (each.used_at, each.manifest))), later)
