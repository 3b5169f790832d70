"""How long an answer of an upstream asks to wait."""

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from orlop.domain.durations import SECOND

_NUMBER = re.compile(r"[0-9]{1,12}", re.ASCII)
#: Beyond it a number of seconds is a time since 1970, not from now on.
_EPOCH = 1_000_000_000


def retry_after(headers: Mapping[str, str], now: int) -> int | None:
    """The seconds that an answer asks to wait: `retry-after` (RFC 9110, section 10.2.3), or Docker Hub's
    `x-retry-after`, a time since 1970; None where it says nothing that can be read."""
    text = (headers.get("retry-after", "") or headers.get("x-retry-after", "")).strip()
    if _NUMBER.fullmatch(text):
        return max(int(text) - now // SECOND, 0) if int(text) >= _EPOCH else int(text)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(round(when.replace(tzinfo=when.tzinfo or UTC).timestamp()) - now // SECOND, 0)
