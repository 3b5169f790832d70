"""A picture of what was known to be wrong, day by day: a column for each, the worst at its foot."""

from collections.abc import Sequence

import msgspec

from orlop.ports.finding_days import FindingDay

#: How wide and high the picture is, and days of it.
WIDE, HIGH, DAYS = 1000.0, 160.0, 90
_PARTS = ("critical", "high", "medium", "low", "others")


class Part(msgspec.Struct, frozen=True):
    """A part of a column. `style`: its class; `words`: what it says."""

    x: float
    y: float
    wide: float
    high: float
    style: str
    words: str


class Columns(msgspec.Struct, frozen=True):
    """The picture. `most`: what the highest column stands for; `days`: the rows behind it, the newest first."""

    parts: tuple[Part, ...]
    most: int
    days: tuple[FindingDay, ...]


def columns(days: Sequence[FindingDay], today: int) -> Columns | None:
    """None where there is too little to draw."""
    if len(days) < 2:
        return None
    first = max(min(each.day for each in days), today - DAYS)
    wide = WIDE / (today - first + 1)
    most = max(sum(getattr(each.numbers, name) for name in _PARTS) for each in days)
    parts = []
    for each in days:
        at = HIGH
        for name in _PARTS:
            number = getattr(each.numbers, name)
            if not number:
                continue
            high = number * HIGH / most
            at -= high
            parts.append(Part((each.day - first) * wide, at, max(1.0, wide - 1), high, name, f"{number} {name}"))
    return Columns(tuple(parts), most, tuple(reversed(days)))
