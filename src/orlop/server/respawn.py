"""When a worker that ended unasked is started again, and when that has no point."""

#: Worker starts that may fail in a row before the server gives up.
START_ATTEMPTS = 3
#: A worker that lived this long, in seconds, did not die of its start.
STEADY = 10.0
#: Bounds of the wait before the next start, in seconds.
FIRST_DELAY = 0.1
LONGEST_DELAY = 5.0


class Respawns:
    """The history of one worker's place. A worker that serves is always replaced; one that cannot start is not."""

    def __init__(self) -> None:
        self._failed_starts = 0
        self._short_lives = 0

    def died(self, *, served: bool, lived: float) -> float | None:
        """The worker ended after `lived` seconds; how many to wait before the next start, None to give up."""
        if not served:
            self._failed_starts += 1
            if self._failed_starts >= START_ATTEMPTS:
                return None
            return _delay(self._failed_starts)
        self._failed_starts = 0
        self._short_lives = self._short_lives + 1 if lived < STEADY else 0
        return _delay(self._short_lives) if self._short_lives else 0.0


def _delay(times: int) -> float:
    return min(FIRST_DELAY * 2.0 ** min(times - 1, 16), LONGEST_DELAY)
