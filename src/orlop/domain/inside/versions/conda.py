"""Versions of conda packages (docs.conda.io, "Version ordering")."""

import re
from functools import cmp_to_key
from itertools import zip_longest
from typing import Any

from orlop.domain.inside.versions.order import VersionUnordered

_ALLOWED = re.compile(r"(?:([0-9]+)!)?([a-z0-9_.*-]+)(?:\+([a-z0-9_.-]+))?", re.ASCII)
_RUN = re.compile(r"[0-9]+|[^0-9]+", re.ASCII)

#: `dev` comes before all words, words before numbers, and `post` behind them.
_DEV, _WORD, _NUMBER, _POST = range(4)
_Item = tuple[int, int, str]
_Component = tuple[_Item, ...]
_ZERO: _Item = (_NUMBER, 0, "")


def parse(version: str) -> Any:
    """What compares. Raises VersionUnordered."""
    found = _ALLOWED.fullmatch(version.strip().lower())
    if found is None:
        raise VersionUnordered(f"{version[:64]!r} is no version of conda")
    return _Compared((int(found[1] or 0), _components(found[2]), _components(found[3]) if found[3] else ()))


def _components(text: str) -> tuple[_Component, ...]:
    """Between points and underscores; a component that begins with a letter has a zero before it."""
    text = text if "-" not in text or "_" in text else text.replace("-", "_")
    ended = text.endswith("_")
    parts = re.split(r"[._-]", text.rstrip("_"))
    if ended:
        parts[-1] += "_"
    if not all(parts):
        raise VersionUnordered(f"{text[:64]!r} is no version of conda")
    return tuple(_component(each) for each in parts)


def _component(text: str) -> _Component:
    items = tuple(_item(each) for each in _RUN.findall(text))
    return items if text[0].isdigit() else (_ZERO, *items)


def _item(text: str) -> _Item:
    if text.isdigit():
        return _NUMBER, int(text), ""
    if text == "post":
        return _POST, 0, ""
    return (_DEV, 0, "") if text == "dev" else (_WORD, 0, text)


_Version = tuple[int, tuple[_Component, ...], tuple[_Component, ...]]


def _compare(one: _Version, other: _Version) -> int:
    if one[0] != other[0]:
        return -1 if one[0] < other[0] else 1
    for left, right in ((one[1], other[1]), (one[2], other[2])):
        for mine, theirs in zip_longest(left, right, fillvalue=(_ZERO,)):
            for item, another in zip_longest(mine, theirs, fillvalue=_ZERO):
                if item != another:
                    return -1 if item < another else 1
    return 0


_Compared = cmp_to_key(_compare)
