"""Versions of NuGet: semantic ones of up to four numbers, whatever the case (NuGet, "Package versioning")."""

import re

from orlop.domain.inside.versions import semver
from orlop.domain.inside.versions.order import VersionUnordered

_VERSION = re.compile(r"\s*v?[0-9]+(?:\.[0-9]+){0,3}(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]*)?\s*", re.ASCII)


def parse(version: str) -> semver.Semantic:
    """As of semantic versions. Raises VersionUnordered."""
    if _VERSION.fullmatch(version) is None:
        raise VersionUnordered(f"{version[:64]!r} is no version of NuGet")
    return semver.parse(version.lower())
