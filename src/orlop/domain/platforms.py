"""Platforms as people write them (`linux/arm64/v8`), and which entry of an index they mean."""

import re
from collections.abc import Iterable

from orlop.domain.descriptor import Descriptor, Platform
from orlop.domain.errors import RequestInvalid

_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)

#: What `uname` and other worlds call the architectures of Go, which images use.
_ARCHITECTURES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386", "armhf": "arm"}


def parse_platform(text: str) -> Platform:
    """Read `os/architecture[/variant]`. Raises RequestInvalid."""
    parts = text.split("/")
    if not 2 <= len(parts) <= 3 or not all(_PART.fullmatch(part) for part in parts):
        raise RequestInvalid("a platform is written os/architecture or os/architecture/variant, as in linux/arm64")
    system, architecture, *variant = (part.lower() for part in parts)
    return Platform(
        os=system, architecture=_ARCHITECTURES.get(architecture, architecture), variant=variant[0] if variant else ""
    )


def matches(wanted: Platform, offered: Platform) -> bool:
    """Whether what is offered runs on what is wanted; without a wanted variant any will do."""
    if (wanted.os, wanted.architecture) != (offered.os, offered.architecture):
        return False
    return not wanted.variant or _variant(wanted) == _variant(offered)


def choose(wanted: Platform, entries: Iterable[Descriptor]) -> Descriptor | None:
    """The entry for a platform; of several that match, the one without a variant, else the first."""
    found = [entry for entry in entries if entry.platform is not None and matches(wanted, entry.platform)]
    plain = [entry for entry in found if entry.platform is not None and not _variant(entry.platform)]
    return next(iter(plain or found), None)


def _variant(platform: Platform) -> str:
    """The variant, empty where it is what its architecture means anyway: every arm64 is at least v8."""
    usual = {"arm64": "v8", "amd64": "v1"}.get(platform.architecture)
    return "" if platform.variant == usual else platform.variant
