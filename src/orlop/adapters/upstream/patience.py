"""How long to wait and how often to try again. Knows the headers of an answer, sends nothing."""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import msgspec

#: Answers that another try may change (RFC 9110, section 15; 429 is RFC 6585). 501 and 505 are final.
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})

#: For so many seconds in all nobody is told that they wait.
_QUIETLY = 2.0


class Surroundings(NamedTuple):
    """What a client needs of the machine it runs on."""

    monotonic: Callable[[], float]
    """Seconds that never go back."""
    wall: Callable[[], float]
    """Seconds since 1970, to read a Retry-After that is a date."""
    sleep: Callable[[float], Awaitable[None]]
    jitter: Callable[[], float]
    """A random number in [0, 1), so that many clients do not come back in step."""
    tell: Callable[[str], None]
    """Takes a sentence for whoever waits for an answer that is less than it should be."""


class Patience(msgspec.Struct, frozen=True):
    """Bounds of trying again; times are in seconds."""

    attempts: int = 5
    first_delay: float = 0.5
    longest_delay: float = 20.0
    longest_retry_after: float = 90.0
    """A server that asks for more is believed, and its refusal passed on at once."""
    redirects: int = 5
    connect_timeout: float = 20.0
    read_timeout: float = 60.0
    """Silence of this length breaks a connection; a whole transfer may take as long as it takes."""
    careful: bool = False
    """A password that was refused is not tried again for every request: accounts are locked after a few."""

    def delay(self, attempt: int, retry_after: float | None, jitter: float) -> float | None:
        """Seconds until the try after `attempt` (the first is 1); None when there is to be none."""
        if attempt >= self.attempts:
            return None
        if retry_after is not None:
            return retry_after if retry_after <= self.longest_retry_after else None
        backoff = min(self.first_delay * float(2 ** (attempt - 1)), self.longest_delay)
        return backoff * (0.5 + jitter / 2)


class Waiting:
    """Waits before another try; who waits for longer than a moment is told what for, once until there is an answer."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._sleep = surroundings.sleep
        self._tell = surroundings.tell
        self._waited = 0.0
        self._is_told = False

    async def wait(self, delay: float, why: str) -> None:
        """Wait for so many seconds, because of `why`."""
        self._waited += delay
        if self._waited > _QUIETLY and not self._is_told:
            self._is_told = True
            self._tell(f"{why}; trying again, the next time in {delay:.0f} s")
        await self._sleep(delay)

    def answered(self) -> None:
        """There is an answer: the next wait is another."""
        self._waited, self._is_told = 0.0, False


def parse_retry_after(text: str | None, now: float) -> float | None:
    """Seconds from `now` (since 1970) that a Retry-After asks for (RFC 9110, section 10.2.3); None if unreadable."""
    if not text:
        return None
    if re.fullmatch(r"[0-9]{1,9}", text.strip(), re.ASCII):
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(when.timestamp() - now, 0.0)
