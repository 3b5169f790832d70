"""Days as people write them, in days since 1970, UTC: a calendar without a clock."""

import re

_FIRST_YEAR, _LAST_YEAR = 1970, 2099
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", re.ASCII)
_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def day_number(text: str) -> int:
    """The day of `2027-01-31`, from 1970 to 2099. Raises ValueError."""
    found = _DATE.fullmatch(text)
    year, month, day = (int(part) for part in found.groups()) if found else (0, 0, 0)
    if not (1 <= month <= 12 and 1 <= day <= _LENGTHS[month - 1] + (month == 2 and _leaps(year))):
        raise ValueError(f"{text!r} is no day; write it as in 2027-01-31")
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise ValueError(f"{text!r} is too far away; name a day from 1970 to 2099")
    leap_days = sum(_leaps(each) for each in range(_FIRST_YEAR, year)) + (month > 2 and _leaps(year))
    return (year - _FIRST_YEAR) * 365 + leap_days + sum(_LENGTHS[: month - 1]) + day - 1


def _leaps(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
