"""Leases by the clock: when one is over. Times are microseconds since 1970."""


def latest(now: int, length: int) -> int:
    """The latest end that a lease of up to `length` can have: its holder's clock is less than as much ahead.

    One that ends later was written by a clock that is wrong, and says nothing about whether its holder is alive.
    """
    return now + 2 * length


def is_held(until: int, now: int, length: int) -> bool:
    """Whether a lease until then may still have its holder."""
    return now < until <= latest(now, length)
