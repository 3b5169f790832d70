"""Versions of RPM, `epoch:version-release` (rpm-version(7)).

A version that begins with a colon has an epoch that is not known: only what stands behind it is compared.
"""

import re
from functools import cmp_to_key
from typing import Any

from orlop.domain.inside.versions.order import VersionUnordered

_SEGMENT = re.compile(r"[0-9]+|[A-Za-z]+|[~^]", re.ASCII)

#: The tilde sorts before the end, the caret behind it, then come letters, then numbers.
_TILDE, _END, _CARET, _LETTERS, _NUMBER = range(5)
_Segment = tuple[int, int, str]
_Evr = tuple[int | None, tuple[_Segment, ...], tuple[_Segment, ...] | None]


def parse(version: str) -> Any:
    """What compares. Raises VersionUnordered."""
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    number, dash, release = rest.partition("-")
    if (epoch and not epoch.isdigit()) or not number:
        raise VersionUnordered(f"{version[:64]!r} is no version of RPM")
    return _Compared((int(epoch) if epoch else None, _segments(number), _segments(release) if dash else None))


def _segments(text: str) -> tuple[_Segment, ...]:
    return (*(_segment(each) for each in _SEGMENT.findall(text)), (_END, 0, ""))


def _segment(text: str) -> _Segment:
    if text.isdigit():
        return _NUMBER, int(text), ""
    if text == "~":
        return _TILDE, 0, ""
    return (_CARET, 0, "") if text == "^" else (_LETTERS, 0, text)


def _compare(one: _Evr, other: _Evr) -> int:
    """What is missing on one side is not compared."""
    for left, right in ((one[0], other[0]), (one[1], other[1]), (one[2], other[2])):
        if left is not None and right is not None and left != right:
            return -1 if left < right else 1  # type: ignore[operator]
    return 0


_Compared = cmp_to_key(_compare)
