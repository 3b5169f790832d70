"""Time and identity, which nothing below bootstrap takes from the machine itself."""

from typing import Protocol

#: One second, in the unit of every time in Orlop: microseconds since 1970, UTC.
SECOND = 1_000_000
HOUR = 3600 * SECOND


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
