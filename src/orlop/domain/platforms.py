"""Platforms as people write them (`linux/arm64/v8`), and which entry of an index they mean."""

import re
from collections.abc import Iterable

from orlop.domain.descriptor import Descriptor, Platform
from orlop.domain.errors import RequestInvalid

_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)

#: What `uname` and other worlds call the architectures of Go, which images use.
_ARCHITECTURES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386", "armhf": "arm"}

#: The variant that an architecture without one means.
_USUAL = {"amd64": "v1", "arm64": "v8", "arm": "v7"}
_VERSION = re.compile(r"v?([0-9]{1,3})(?:\.([0-9]{1,3}))?", re.ASCII)


def parse_platform(text: str) -> Platform:
    """Read `os/architecture[/variant]`. Raises RequestInvalid."""
    parts = text.split("/")
    if not 2 <= len(parts) <= 3 or not all(_PART.fullmatch(part) for part in parts):
        raise RequestInvalid("a platform is written os/architecture or os/architecture/variant, as in linux/arm64")
    system, architecture, *variant = (part.lower() for part in parts)
    return Platform(
        os=system, architecture=_ARCHITECTURES.get(architecture, architecture), variant=variant[0] if variant else ""
    )


def is_real(platform: Platform) -> bool:
    """Whether something runs on it: attestations and other artifacts are for `unknown/unknown`."""
    named = {platform.os, platform.architecture}
    return "" not in named and "unknown" not in named


def matches(wanted: Platform, offered: Platform) -> bool:
    """Whether what is offered runs on what is wanted; without a wanted variant any will do."""
    return _distance(wanted, offered) is not None


def choose(wanted: Platform, entries: Iterable[Descriptor]) -> Descriptor | None:
    """The entry that suits a platform best, of several alike the first; None where none runs on it."""
    found = [
        (distance, entry)
        for entry in entries
        if entry.platform is not None and (distance := _distance(wanted, entry.platform)) is not None
    ]
    return min(found, key=lambda each: each[0])[1] if found else None


def _distance(wanted: Platform, offered: Platform) -> tuple[int, int, int] | None:
    """How far from its best an image has a machine run, least first; None where it does not run there.

    As containerd has it (platforms.Only): the same variant, else the next older one. `linux/arm` is v7. Where no
    variant was wanted a newer one is better than nothing.
    """
    if (wanted.os, wanted.architecture) != (offered.os, offered.architecture):
        return None
    want, have = _variant(wanted), _variant(offered)
    if want == have:
        return 0, 0, 0
    newest, version = _VERSION.fullmatch(want), _VERSION.fullmatch(have)
    if newest and version and _numbers(version) < _numbers(newest):
        major, minor = _numbers(version)
        return 1, -major, -minor
    return None if wanted.variant else (2, 0, 0)


def _variant(platform: Platform) -> str:
    """The variant, or what its architecture means without one."""
    return platform.variant or _USUAL.get(platform.architecture, "")


def _numbers(version: re.Match[str]) -> tuple[int, int]:
    return int(version[1]), int(version[2] or 0)
