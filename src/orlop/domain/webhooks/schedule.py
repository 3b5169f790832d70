"""When something is sent again, when it is given up, and when a hook is left alone: a day, and three."""

import msgspec

from orlop.domain.durations import DAY, HOUR, MINUTE, SECOND

#: For how long an event is tried to be delivered.
LIVES = DAY
#: After how long without a single success a hook is paused.
PATIENCE = 3 * DAY
#: The receiver says that it is gone for good (RFC 9110, section 15.5.11; Standard Webhooks, "Deliverability").
GONE = 410

#: Pauses before the second attempt, the third and so on; the last one holds for all that follow.
_PAUSES = (5 * SECOND, 30 * SECOND, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR)
#: How much longer a pause is at most, so that not everything comes at once.
_JITTER = 0.2
#: The first and the longest pause of a hook as a whole, while nothing that is sent there arrives.
_REST, _LONGEST_REST = SECOND, 5 * MINUTE


def next_attempt(attempts: int, now: int, expires_at: int, chance: float) -> int | None:
    """When to send again what failed `attempts` times, once more when its time is up, and then never (None).

    `chance` is from 0 to 1.
    """
    if now >= expires_at:
        return None
    pause = _PAUSES[min(attempts, len(_PAUSES)) - 1]
    return min(now + int(pause * (1 + _JITTER * chance)), expires_at)


class Health(msgspec.Struct, frozen=True):
    """How a hook fares. Times are in microseconds since 1970, 0 for never."""

    failures: int = 0
    """Since the last success."""
    failing_since: int = 0
    resting_until: int = 0
    """Nothing is sent before."""
    paused_at: int = 0
    error: str = ""
    """What the last failure was, or why it is paused."""

    def rests(self, now: int) -> bool:
        """Whether nothing is sent now; a rest that would be longer than any was written by a clock that has been set
        back since."""
        return now < self.resting_until <= now + _LONGEST_REST

    def after_success(self) -> "Health":
        """Something arrived."""
        return Health()

    def after_failure(self, now: int, status: int, error: str) -> "Health":
        """Something did not arrive."""
        failures, since = self.failures + 1, self.failing_since or now
        gone = status == GONE
        rest = min(_REST * 2 ** min(failures - 1, 16), _LONGEST_REST)
        paused = self.paused_at or (now if gone or now - since >= PATIENCE else 0)
        return Health(failures, since, now + rest, paused, error)


#: Of a hook that nothing is known of.
WELL = Health()
