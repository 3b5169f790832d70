"""Cool-down: a tag that moved a moment ago leads to what it was before, until that is old enough to be trusted."""

from orlop.domain.durations import span


def cooling(cool_down: str, moved_at: int) -> int:
    """Until when a tag leads to what it was before, in microseconds since 1970; 0: it moves at once.

    `moved_at`: since when it is known to lead there, in the same."""
    return moved_at + span(cool_down) if cool_down else 0
