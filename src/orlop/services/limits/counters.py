"""Counters that the workers of a server share: a table of fixed size in shared memory, without locks.

A counter is one number, the time until which somebody has used up what they may (see domain.limits); everybody who is
counted has COUNTERS of them. Two workers that count for the same one in the same microsecond may count once: somebody
then gets at most one thing more for each other worker, and such a coincidence, never fewer. Of more than SLOTS who are
counted at a time some begin anew. Names are hashed with a key, so that nobody can choose whom they share a place with;
replicas that tell each other of their counters (services.limits.shared) have the same one.
"""

from array import array
from collections.abc import Collection, MutableSequence
from hashlib import blake2b

from orlop.domain.limits import furthest, take

#: How many are counted at a time, how many places one may stand at, and how many counters each has.
SLOTS, _WAYS, COUNTERS = 1 << 15, 4, 3
#: What such a table has of unsigned 64-bit numbers: a hash and the counters for each slot.
NUMBERS = (1 + COUNTERS) * SLOTS

_SETS = SLOTS // _WAYS - 1
_SLOT = 1 + COUNTERS


class Counters:
    """`table` has NUMBERS numbers, 0 at first; `key` up to 64 bytes."""

    def __init__(self, table: MutableSequence[int], key: bytes = b"") -> None:
        self.table = table
        self._key = key

    def hash_of(self, *name: str) -> int:
        """What a name is counted under, in 63 bits: never 0, which is a place that nobody has."""
        text = "\0".join(name).encode("utf-8", "surrogatepass")
        return int.from_bytes(blake2b(text, digest_size=8, key=self._key).digest()) >> 1 or 1

    def place(self, hashed: int) -> int:
        """Where somebody stands: their counters come behind it. Made if need be, in place of the one in whose place
        the least is used up."""
        table = self.table
        first = (hashed & _SETS) * _SLOT * _WAYS
        places = range(first, first + _SLOT * _WAYS, _SLOT)
        for place in places:
            if table[place] == hashed:
                return place
        place = min(places, key=lambda each: max(table[each + 1 : each + _SLOT]))
        for counter in range(place + 1, place + _SLOT):
            table[counter] = 0
        table[place] = hashed
        return place

    def find(self, hashed: int) -> int | None:
        """Where somebody stands, None when they are not counted."""
        first = (hashed & _SETS) * _SLOT * _WAYS
        for place in range(first, first + _SLOT * _WAYS, _SLOT):
            if self.table[place] == hashed:
                return place
        return None

    def beyond(self, counter: int, time: int) -> Collection[int]:
        """Hashes of those whose counter lies beyond a time. Reads the whole table, in about a millisecond."""
        used = self.table[1 + counter :: _SLOT]
        return [self.table[number * _SLOT] for number, until in enumerate(used) if until > time]

    def take(self, hashed: int, counter: int, now: int, interval: int, reach: int) -> int:
        """Use up one thing; how long to wait before the next try when there is none, in microseconds."""
        place = self.place(hashed) + 1 + counter
        used, wait = take(self.table[place], now, interval, reach, furthest(reach))
        self.table[place] = used
        return wait


def counters_of_one() -> MutableSequence[int]:
    """A table for a process on its own."""
    return array("Q", bytes(8 * NUMBERS))
