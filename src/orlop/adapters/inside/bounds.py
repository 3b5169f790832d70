"""How much of a layer is read, and what reading it may take: every bound in one place."""

import msgspec

_KIB, _MIB, _GIB = 1024, 1024**2, 1024**3


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What is beyond one of them ends the reading; what was found until then is kept, and the reason said."""

    members: int = 1_000_000
    unpacked: int = 20 * _GIB
    """Bytes that come out of a layer, of its members and of what surrounds them."""
    ratio: int = 1_100
    """How many bytes come of each that goes in, from `ratio_from` on. Deflate makes 1,032 of one at most, where a file
    is all zeros; zstd can make many more."""
    ratio_from: int = 256 * _MIB
    special: int = _MIB
    """Bytes of a header that says more of the next member: a long name, or records of pax."""
    pieces: int = 100_000
    """Pieces of one sparse file."""
    path: int = 4_096
    """Bytes of a name. No system makes a file of a longer one: such are counted, and not read."""
    facts: int = 48 * _MIB
    """Bytes of what is said of a layer, about."""
    seconds: float = 60.0
    """Seconds of a processor, and how many more for each MiB that goes in."""
    seconds_each: float = 0.25


#: The window of a zstd frame, as a power of two: what decompressors grant without being asked.
WINDOW = 27
#: Bytes of address space of the process, and seconds of a processor after which the system ends it.
MEMORY, SECONDS = 1_280 * _MIB, 3_600
#: Seconds in which a process takes a piece of the layer, and in which it answers after the last one. It has the lowest
#: priority, and may wait long for a processor.
STALLED = 300.0
#: Bytes of an answer: of the facts with the short hashes of all names.
ANSWER = 96 * _MIB


class Beyond(Exception):
    """A layer is beyond a bound; the message says which."""


class Damaged(Exception):
    """A layer is no archive, or a damaged one; the message says why."""
