"""Whether an upstream is asked at all: a breaker, its states and what moves it from one to the other."""

from enum import StrEnum

import msgspec

from orlop.domain.durations import SECOND

#: How long an upstream that is away is left alone, at first and at most; it doubles in between.
REST, LONGEST_REST = 5 * SECOND, 60 * SECOND
#: So many failures in a row, with no answer between them, say that it is away; that nothing came in time says it alone.
FAILURES = 3
#: A probe that tells nothing for so long is lost: its process ended.
PROBE = 30 * SECOND


class BreakerState(StrEnum):
    """Of one upstream."""

    CLOSED = "closed"
    """It is asked."""
    OPEN = "open"
    """It is away, and nobody asks it until its rest is over."""
    HALF_OPEN = "half-open"
    """One request finds out whether it is back; nobody else asks."""


class Sign(StrEnum):
    """What tells something of an upstream."""

    ANSWERED = "answered"
    """It answered, if only that it has no such thing, or that nobody may see it."""
    AWAY = "away"
    """It cannot be reached, or nothing comes from it."""
    PROBED = "probed"
    """Its rest is over, and somebody asks it."""


_NEXT: dict[tuple[BreakerState, Sign], BreakerState] = {
    (BreakerState.CLOSED, Sign.ANSWERED): BreakerState.CLOSED,
    (BreakerState.CLOSED, Sign.AWAY): BreakerState.OPEN,
    (BreakerState.OPEN, Sign.ANSWERED): BreakerState.CLOSED,
    # What began before it opened ends later, and says nothing new.
    (BreakerState.OPEN, Sign.AWAY): BreakerState.OPEN,
    (BreakerState.OPEN, Sign.PROBED): BreakerState.HALF_OPEN,
    (BreakerState.HALF_OPEN, Sign.ANSWERED): BreakerState.CLOSED,
    (BreakerState.HALF_OPEN, Sign.AWAY): BreakerState.OPEN,
    # A probe was lost.
    (BreakerState.HALF_OPEN, Sign.PROBED): BreakerState.HALF_OPEN,
}


class Breaker(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where it stands. Times are in microseconds since 1970, 0 for never."""

    state: BreakerState = BreakerState.CLOSED
    since: int = 0
    """When it last moved: of two that processes know, the one that moved later holds."""
    until: int = 0
    """Open: until when nobody asks. Half-open: until when the probe has to tell something."""
    away_since: int = 0
    """Since when the upstream is away, through all the probes that failed; 0: it is there."""
    failures: int = 0
    """Since the last answer."""
    openings: int = 0
    """How often it opened since the last answer."""

    @property
    def is_closed(self) -> bool:
        """Whether anybody may ask."""
        return self.state is BreakerState.CLOSED

    def is_due(self, now: int) -> bool:
        """Whether it is time to probe. An end further away than any was written by a clock that was set back since."""
        return not self.is_closed and not now < self.until <= now + LONGEST_REST

    def probed(self, now: int) -> "Breaker":
        """Somebody probes."""
        if self.is_closed:
            return self
        state = _NEXT[self.state, Sign.PROBED]
        return msgspec.structs.replace(self, state=state, since=self._moved(now), until=now + PROBE)

    def answered(self, now: int) -> "Breaker":
        """It answered."""
        if self.is_closed:
            return msgspec.structs.replace(self, failures=0) if self.failures else self
        return Breaker(state=_NEXT[self.state, Sign.ANSWERED], since=self._moved(now))

    def failed(self, now: int, *, silent: bool = False) -> "Breaker":
        """It could not be reached, broke off or answered that it is ill; `silent`: nothing came for as long as one
        waits."""
        failures = self.failures + 1
        if self.is_closed and not silent and failures < FAILURES:
            return msgspec.structs.replace(self, failures=failures)
        state = _NEXT[self.state, Sign.AWAY]
        if state is self.state:
            return self
        return Breaker(
            state=state,
            since=self._moved(now),
            until=now + min(REST * 2 ** min(self.openings, 8), LONGEST_REST),
            away_since=self.away_since or now,
            failures=failures,
            openings=self.openings + 1,
        )

    def _moved(self, now: int) -> int:
        """When it moves: later than before, whatever the clock says, so that what is newer can be told."""
        return max(now, self.since + 1)
