"""Durations in the unit of every time in Orlop: microseconds, which count from 1970, UTC; and as people write them."""

import re

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_SPAN = re.compile(r"([1-9][0-9]{0,5})\s*([smhdw])", re.ASCII)
_UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}


def span(text: str) -> int:
    """Microseconds of `90d`, `12h`, `4w`. Raises ValueError."""
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no length of time: write 12h, 90d or 4w")
    return int(found[1]) * _UNITS[found[2]]
