"""Versions of Ruby gems (rubygems.org, Gem::Version): letters make one that comes before."""

import re
from functools import cmp_to_key
from itertools import zip_longest
from typing import Any

from orlop.domain.inside.versions.order import VersionUnordered

_VERSION = re.compile(r"\s*[0-9]+(?:\.[0-9A-Za-z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?\s*", re.ASCII)
_SEGMENT = re.compile(r"[0-9]+|[A-Za-z]+", re.ASCII)

_Segment = tuple[int, int, str]
_ZERO: _Segment = (1, 0, "")


def parse(version: str) -> Any:
    """What compares. Raises VersionUnordered."""
    if _VERSION.fullmatch(version) is None:
        raise VersionUnordered(f"{version[:64]!r} is no version of a gem")
    found = _SEGMENT.findall(version.strip().replace("-", ".pre."))
    segments: list[_Segment] = [(1, int(each), "") if each.isdigit() else (0, 0, each) for each in found]
    first = next((place for place, segment in enumerate(segments) if not segment[0]), None)
    if first is not None:  # zeros before the first letters say nothing
        start = first
        while start and segments[start - 1] == _ZERO:
            start -= 1
        del segments[start:first]
    return _Compared(tuple(segments))


def _compare(one: tuple[_Segment, ...], other: tuple[_Segment, ...]) -> int:
    for left, right in zip_longest(one, other, fillvalue=_ZERO):
        if left != right:
            return -1 if left < right else 1
    return 0


_Compared = cmp_to_key(_compare)
