"""Semantic versions in tags: their order, ranges of them, and the channel that a tag is of."""

import re
from functools import lru_cache
from typing import NamedTuple

_VERSION = re.compile(
    r"v?(0|[1-9][0-9]{0,17})\.(0|[1-9][0-9]{0,17})\.(0|[1-9][0-9]{0,17})(?:-([0-9A-Za-z.-]+))?", re.ASCII
)
_BOUND = re.compile(r"(>=|<=|>|<|=|\^|~)?v?([0-9]{1,18}|\*)(?:\.([0-9]{1,18}|\*))?(?:\.([0-9]{1,18}|\*))?", re.ASCII)
_SEPARATOR = re.compile(r"[-_.]")
_LETTERS = re.compile(r"[A-Za-z]+", re.ASCII)

#: The channel of versions that are no pre-releases.
RELEASE = "release"


class Version(NamedTuple):
    """A version of Semantic Versioning 2.0.0, in the order of its section 11."""

    major: int
    minor: int
    patch: int
    is_release: bool
    pre: tuple[tuple[bool, int, str], ...]


def version(tag: str) -> Version | None:
    """The version that a tag is, with or without a `v`."""
    found = _VERSION.fullmatch(tag)
    if found is None:
        return None
    pre = found[4]
    # "Numeric identifiers always have lower precedence than non-numeric identifiers" (section 11.4.3).
    parts = tuple((not each.isdecimal(), int(each) if each.isdecimal() else 0, each) for each in (pre or "").split("."))
    return Version(int(found[1]), int(found[2]), int(found[3]), pre is None, parts if pre else ())


def minor(tag: str) -> str:
    """`1.4` of `v1.4.2`; empty for what is no version."""
    found = version(tag)
    return f"{found.major}.{found.minor}" if found is not None else ""


def channel(tag: str) -> str:
    """What stands before the first `-`, `_` or `.`: `build` of `build-917`, `prod` of `prod`. That of a version is
    `release`, or the word of its pre-release: `rc` of `1.5.0-rc.1`."""
    found = version(tag)
    if found is None:
        return _SEPARATOR.split(tag, maxsplit=1)[0] or tag
    if found.is_release:
        return RELEASE
    word = _LETTERS.match(found.pre[0][2])
    return word[0] if word is not None else "pre"


class VersionRange:
    """Versions between bounds: `>=1.4 <2`, `1.*`, `^1.4`, `~1.4.2`, `*`; several with `||` between them.

    A pre-release is in a range as its order says. Raises ValueError for what is none.
    """

    def __init__(self, text: str) -> None:
        self._spans = tuple(_span(part, text) for part in text.split("||"))

    def has(self, found: Version | None) -> bool:
        """Whether a version lies in it."""
        return found is not None and any(low <= found < high for low, high in self._spans)


@lru_cache(maxsize=256)
def version_range(text: str) -> VersionRange:
    """The range, read once."""
    return VersionRange(text)


_FIRST = Version(0, 0, 0, False, ())
_LAST = Version(1 << 62, 0, 0, False, ())


def _span(part: str, whole: str) -> tuple[Version, Version]:
    low, high = _FIRST, _LAST
    words = part.split()
    if not words:
        raise ValueError(f"{whole!r} is no range of versions: write >=1.4 <2, 1.* or *")
    for word in words:
        found = _BOUND.fullmatch(word)
        if found is None:
            raise ValueError(f"{word!r} is no bound of versions: write >=1.4, <2, 1.*, ^1.4, ~1.4.2 or *")
        least, beyond = _bounds(found[1] or "=", [each for each in found.groups()[1:] if each not in (None, "*")])
        low, high = max(low, least), min(high, beyond)
    if low >= high:
        raise ValueError(f"no version lies in {whole!r}")
    return low, high


def _bounds(sign: str, given: list[str]) -> tuple[Version, Version]:
    """From where, and before what."""
    numbers = [int(each) for each in given]
    if not numbers:
        return _FIRST, _LAST
    low = _exact(numbers) if len(numbers) == len(Version._fields[:3]) else _before(numbers)
    match sign:
        case "=":
            return low, _after(numbers)
        case "^":
            return low, _after(numbers[: next((at for at, each in enumerate(numbers) if each), len(numbers) - 1) + 1])
        case "~":
            return low, _after(numbers[:2])
        case ">=":
            return _exact(numbers), _LAST
        case ">":
            return _after(numbers), _LAST
        case "<":
            return _FIRST, _before(numbers)
        case _:
            return _FIRST, _after(numbers)


def _filled(numbers: list[int]) -> tuple[int, int, int]:
    first, second, third = (*numbers, 0, 0)[:3]
    return first, second, third


def _exact(numbers: list[int]) -> Version:
    """The release itself: its pre-releases come before it."""
    return Version(*_filled(numbers), True, ())


def _before(numbers: list[int]) -> Version:
    """Before every pre-release of it."""
    return Version(*_filled(numbers), False, ())


def _after(numbers: list[int]) -> Version:
    """Before everything behind those that begin with these numbers."""
    return _before([*numbers[:-1], numbers[-1] + 1])
