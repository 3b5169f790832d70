"""Time and identity, which nothing below bootstrap takes from the machine itself."""

from typing import Protocol

from orlop.domain.durations import HOUR, SECOND

__all__ = ["HOUR", "SECOND", "Clock", "Ids"]


class Clock(Protocol):
    """The time of day."""

    def now(self) -> int:
        """Microseconds since 1970, UTC. May jump in either direction."""
        ...


class Ids(Protocol):
    """Names that nobody can guess and nobody else gives."""

    def new(self) -> str:
        """A random UUID (RFC 9562, version 4) in its 36-character form."""
        ...
