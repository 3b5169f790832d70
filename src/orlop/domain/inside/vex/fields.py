"""Fields of documents of strangers: of another type than expected, they say nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from orlop.domain.inside.vex.statements import IDENTIFIER


def text(found: Any, name: str) -> str:
    """A text."""
    value = found.get(name, "") if isinstance(found, dict) else ""
    return value if isinstance(value, str) else ""


def listed(found: Any, name: str) -> Sequence[Any]:
    """A list."""
    value = found.get(name, []) if isinstance(found, dict) else []
    return value if isinstance(value, list) else []


def mapping(found: Any, name: str) -> Mapping[str, Any]:
    """An object."""
    value = found.get(name, {}) if isinstance(found, dict) else {}
    return value if isinstance(value, dict) else {}


def names_of(*names: str) -> tuple[str, ...]:
    """Those that say something and are no longer than one may be."""
    return tuple(dict.fromkeys(name for name in names if 0 < len(name) <= IDENTIFIER))
