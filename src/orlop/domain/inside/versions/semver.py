"""Semantic versions (semver.org, 11), read as generously as npm does: fewer or more numbers, and a `v` before them."""

import re

from orlop.domain.inside.versions.order import VersionUnordered

_VERSION = re.compile(
    r"[v=\s]*([0-9]+(?:\.[0-9]+)*)(?:-([0-9A-Za-z.-]+)|([A-Za-z][0-9A-Za-z.-]*))?(?:\+[^\s]*)?\s*", re.ASCII
)

Identifier = tuple[int, int, str]
Semantic = tuple[tuple[int, ...], tuple[int, tuple[Identifier, ...]]]


def parse(version: str) -> Semantic:
    """The numbers, and the identifiers of a version before that. Raises VersionUnordered."""
    found = _VERSION.fullmatch(version)
    if found is None:
        raise VersionUnordered(f"{version[:64]!r} is no semantic version")
    before = found[2] or found[3]
    return numbers(found[1]), (0, identifiers(before)) if before else (1, ())


def numbers(text: str) -> tuple[int, ...]:
    """Numbers between points, without zeros at the end: one that is missing is zero."""
    parts = [int(each) for each in text.split(".")]
    while parts and not parts[-1]:
        parts.pop()
    return tuple(parts)


def identifiers(text: str) -> tuple[Identifier, ...]:
    """Those of digits alone come before others, and are numbers."""
    return tuple((0, int(each), "") if each.isdigit() else (1, 0, each) for each in text.split("."))
