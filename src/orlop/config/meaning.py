"""What is said of a setting where it is declared."""

from enum import Enum

import msgspec


class ValueKind(Enum):
    """How a value is written."""

    TEXT = "text"
    URL = "URL"
    SECRET = "secret"  # noqa: S105 - the kind, not one of them
    PATH = "path"
    ADDRESS = "host:port"
    SWITCH = "true or false"
    COUNT = "number"
    SIZE = "size"
    DURATION = "duration"


class Meaning(msgspec.Struct, frozen=True):
    """What a setting does, for the reference and the command line; `default` where the value alone does not tell.

    A URL is one of the `choices`, or begins with one of the `schemes`.
    """

    text: str
    kind: ValueKind
    default: str | None = None
    minimum: int = 0
    choices: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ()
