"""Headers of requests, read."""

from collections.abc import Iterable


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
