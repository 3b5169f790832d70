"""Versions of Debian and what comes from it (Debian Policy 5.6.12; deb-version(7))."""

import re

from orlop.domain.inside.versions.order import VersionUnordered

_ALLOWED = re.compile(r"[A-Za-z0-9.+~:-]+", re.ASCII)
_PART = re.compile(r"([^0-9]*)([0-9]*)", re.ASCII)

_Part = tuple[tuple[int, ...], int]
#: Where a text ends: before every character but the tilde.
_END = 0


def parse(version: str) -> tuple[int, tuple[_Part, ...], tuple[_Part, ...]]:
    """Epoch, upstream version, revision. Raises VersionUnordered."""
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, dash, revision = rest.rpartition("-")
    if not dash:
        upstream, revision = rest, ""
    if not epoch.isdigit() or not upstream or _ALLOWED.fullmatch(rest) is None:
        raise VersionUnordered(f"{version[:64]!r} is no version of Debian")
    return int(epoch), _parts(upstream), _parts(revision)


def _parts(text: str) -> tuple[_Part, ...]:
    """What are no digits and the number after it, again and again.

    Nothing and zero stand at the end, where they say nothing, as often as the shortest text needs: `0` is before `0a`
    and behind `0~`.
    """
    parts = [
        ((*(_weight(each) for each in found[1]), _END), int(found[2] or 0))
        for found in _PART.finditer(text)
        if found[0]
    ]
    nothing = ((_END,), 0)
    while parts and parts[-1] == nothing:
        parts.pop()
    return (*parts, nothing, nothing)


def _weight(character: str) -> int:
    if character == "~":
        return -1
    return ord(character) + (0 if character.isalpha() else 256)
