"""Byte ranges of stored content (RFC 9110, section 14)."""

import re
from typing import NamedTuple

from orlop.domain.errors import RangeNotSatisfiable


class Span(NamedTuple):
    """The bytes [start, stop) of a content."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        """How many bytes."""
        return self.stop - self.start


_RANGE = re.compile(r"bytes=\s*(?:([0-9]{1,19})-([0-9]{0,19})|-([0-9]{1,19}))\s*", re.ASCII | re.IGNORECASE)


def parse_range(header: str, size: int) -> Span | None:
    """The part of a content of `size` bytes that a Range header asks for; None means the whole.

    "A server MAY ignore the Range header field" (section 14.2): unknown units, malformed ranges and lists of several
    ranges are, so a header with ten thousand of them costs nothing. The last byte is clipped to the content; a suffix
    longer than it is all of it. Raises RangeNotSatisfiable when no byte is left, also because the range ends before it
    begins (section 15.5.17 allows 416 for "invalid ranges", and a client that errs so learns it).
    """
    match = _RANGE.fullmatch(header)
    if match is None:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        start, stop = max(size - int(suffix), 0), size
    else:
        start, stop = int(first), min(int(last) + 1, size) if last else size
    if start >= stop:
        raise RangeNotSatisfiable(f"the content has {size} bytes", size=size)
    return Span(start, stop)
