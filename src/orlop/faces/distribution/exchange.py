"""What a handler gets to see of one request, beside the request itself."""

from collections.abc import Iterable

import msgspec

from orlop.domain.access import Caller
from orlop.domain.errors import RequestInvalid
from orlop.faces.distribution.body import RequestBody


class Exchange(msgspec.Struct, frozen=True):
    """The headers that came (lower-case names), the body still to read, and who asks."""

    method: str
    headers: dict[bytes, bytes]
    body: RequestBody
    caller: Caller
    hidden: bool = False
    """Whether the caller may not know of the repository: it is to look as if it were not there."""

    def header(self, name: bytes) -> str:
        """A header's value, empty when it is absent."""
        value = self.headers.get(name)
        return value.decode("latin-1") if value is not None else ""

    def text_header(self, name: bytes) -> str:
        """A header that becomes part of what is stored. Raises RequestInvalid unless it is printable ASCII."""
        value = self.header(name)
        if not (value.isascii() and value.isprintable()):
            raise RequestInvalid(f"the header {name.decode()} is not printable ASCII")
        return value


def combined(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Header lines as a mapping; lines of one name are joined by commas (RFC 9110, section 5.3)."""
    lines = list(headers)
    mapping = dict(lines)
    if len(mapping) != len(lines):
        mapping = {}
        for name, value in lines:
            mapping[name] = mapping[name] + b", " + value if name in mapping else value
    return mapping


def etag_matches(if_none_match: str, etag: str) -> bool:
    """Whether an If-None-Match header (RFC 9110, section 13.1.2) names this entity tag, by weak comparison."""
    return any(
        candidate.strip().removeprefix("W/") == etag or candidate.strip() == "*"
        for candidate in if_none_match.split(",")
    )
