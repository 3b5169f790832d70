"""Versions of Go modules, pseudo-versions too, and of Go itself (go.dev/ref/mod): `1.21rc2` is `1.21.0-rc.2`."""

import re

from orlop.domain.inside.versions import semver
from orlop.domain.inside.versions.order import VersionUnordered

#: A release of Go, with what it was built with behind a blank.
_RELEASE = re.compile(r"(?:go)?([0-9]+(?:\.[0-9]+){0,2})(?:(beta|rc)([0-9]+))?(?:[ -].*)?", re.ASCII)
_MODULE = re.compile(
    r"v?[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?|v?[0-9]+(?:\.[0-9]+)?", re.ASCII
)


def parse(version: str) -> semver.Semantic:
    """As of semantic versions. Raises VersionUnordered, of `(devel)` too."""
    if _MODULE.fullmatch(version):
        return semver.parse(version)
    found = _RELEASE.fullmatch(version)
    if found is None:
        raise VersionUnordered(f"{version[:64]!r} is no version of a Go module")
    before = (0, semver.identifiers(f"{found[2]}.{found[3]}")) if found[2] else (1, ())
    return semver.numbers(found[1]), before
