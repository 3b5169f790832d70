"""When something is full, if it goes on as it did: a straight line through the last days (least squares)."""

from collections.abc import Sequence

#: Over how many days the line is drawn, and how many of them it takes at least.
OVER_DAYS, AT_LEAST = 30, 3
#: Nobody is told of a day that is further away.
FURTHEST = 3_650


def per_day(points: Sequence[tuple[int, int]]) -> float | None:
    """By how much it grows a day, of (day, amount); None where there are too few days to say."""
    if len({day for day, _ in points}) < AT_LEAST:
        return None
    count = len(points)
    middle = sum(day for day, _ in points) / count
    mean = sum(amount for _, amount in points) / count
    spread = sum((day - middle) ** 2 for day, _ in points)
    return sum((day - middle) * (amount - mean) for day, amount in points) / spread


def full_in(room: int, growth: float | None) -> int | None:
    """In how many whole days so much room is used up; None: not within ten years, or nobody can say."""
    if room <= 0:
        return 0
    if growth is None or growth <= 0:
        return None
    days = int(room / growth)
    return days if days <= FURTHEST else None


def ahead(amount: int, growth: float | None, days: int) -> list[int]:
    """What it is on each of the days to come, never less than nothing; empty where nobody can say."""
    return [max(0, round(amount + growth * day)) for day in range(1, days + 1)] if growth is not None else []
