"""Times as they are typed: a date, a time, or how long ago; and as they are shown."""

import time
from datetime import UTC, datetime, timedelta

from orlop.config import ConfigurationInvalid
from orlop.config.units import duration
from orlop.faces.cli.running import UsageError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


def moment(text: str, now: int) -> int:
    """Microseconds since 1970 of a time, or of how long ago; 0 for nothing. A time without a zone is UTC, a date its
    first moment. Raises UsageError."""
    if not text:
        return 0
    try:
        at = now - duration(text)
    except ConfigurationInvalid:
        try:
            found = datetime.fromisoformat(text)
            at = ((found if found.tzinfo else found.replace(tzinfo=UTC)) - _EPOCH) // timedelta(microseconds=1)
        except (ValueError, OverflowError) as error:
            raise UsageError(
                f"{text[:80]!r} is not a time such as 2026-11-25T17:00:00Z, nor how long ago, as 2h"
            ) from error
    if at <= 0:
        raise UsageError(f"{text[:80]!r} lies before 1970")
    return at


def shown(at: int) -> str:
    """A time for people, to the second, UTC."""
    return (_EPOCH + timedelta(microseconds=at)).strftime("%Y-%m-%d %H:%M:%S UTC")


def rfc3339(at: int) -> str:
    """A time as the API reads it."""
    return (_EPOCH + timedelta(microseconds=at)).isoformat()


def seconds(text: str | None) -> str:
    """A time of the API to the second, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if text else "-"
