"""Versions of Alpine (apk-package(5)): `digits{.digits}…{letter}{_suffix{number}}…{~hash}{-rN}`."""

import re
from functools import cmp_to_key
from typing import Any

from orlop.domain.inside.versions.order import VersionUnordered

_VERSION = re.compile(r"([0-9]+)((?:\.[0-9]+)*)([a-z]?)((?:_[a-z]+[0-9]*)*)(~[0-9a-f]+)?(?:-r([0-9]+))?", re.ASCII)
_SUFFIX = re.compile(r"_([a-z]+)([0-9]*)", re.ASCII)

#: Suffixes of what comes before a version, and of what comes after it.
_BEFORE = {"alpha": 0, "beta": 1, "pre": 2, "rc": 3}
_SUFFIXES = _BEFORE | {"cvs": 5, "svn": 6, "git": 7, "hg": 8, "p": 9}

#: What may follow: the later a kind, the less of a version is left. `_END` is last.
_FIRST, _DIGITS, _LETTER, _NAME, _NUMBER, _HASH, _REVISION, _END = range(8)
_Token = tuple[int, Any]


def parse(version: str) -> Any:
    """What compares. Raises VersionUnordered."""
    found = _VERSION.fullmatch(version)
    if found is None:
        raise VersionUnordered(f"{version[:64]!r} is no version of Alpine")
    first, digits, letter, suffixes, commit, revision = found.groups()
    tokens: list[_Token] = [(_FIRST, int(first))]
    tokens += [(_DIGITS, each) for each in digits.split(".")[1:]]
    if letter:
        tokens.append((_LETTER, letter))
    for name, number in _SUFFIX.findall(suffixes):
        if name not in _SUFFIXES:
            raise VersionUnordered(f"{version[:64]!r} has a suffix that Alpine does not know")
        tokens.append((_NAME, _SUFFIXES[name]))
        if number:
            tokens.append((_NUMBER, int(number)))
    if commit:
        tokens.append((_HASH, commit[1:]))
    if revision is not None:
        tokens.append((_REVISION, int(revision)))
    return _Compared((*tokens, (_END, 0)))


def _compare(one: tuple[_Token, ...], other: tuple[_Token, ...]) -> int:
    for (kind, left), (another, right) in zip(one, other, strict=False):
        if kind == another:
            if left == right:
                continue
            return _values(kind, left, right)
        if kind == _NAME and left in _BEFORE.values():
            return -1
        if another == _NAME and right in _BEFORE.values():
            return 1
        return -1 if kind > another else 1
    return 0


def _values(kind: int, left: Any, right: Any) -> int:
    """Digits behind a point are a text as soon as one of both begins with zero, as a fraction is."""
    if kind == _DIGITS and not (left.startswith("0") or right.startswith("0")):
        left, right = int(left), int(right)
    return -1 if left < right else int(left > right)


_Compared = cmp_to_key(_compare)
