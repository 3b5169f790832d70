"""A package that an image holds, and its package URL."""

import msgspec

#: Types of packages (github.com/package-url/purl-spec, PURL-TYPES) that belong to a distribution.
DISTRIBUTION_TYPES = frozenset({"deb", "rpm", "apk"})

#: In place of a version: it cannot be compared with any.
UNORDERED = "(devel)"


class Package(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A package as the file says that it was found in.

    Of a package of a distribution it is not known which one that is before the image is put together: `namespace` is
    empty then.
    """

    type: str
    """The type of its package URL: `deb`, `apk`, `rpm`, `pypi`, `npm`, `golang`, `cargo`, `maven`, `gem`, `composer`,
    `nuget`, `conda`."""
    name: str
    version: str
    """As its ecosystem writes it; of rpm `version-release`, with the epoch apart."""
    namespace: str = ""
    """As in its package URL: the group of Maven, the scope of npm, the path before the last part of a Go module."""
    epoch: int = 0
    """Of rpm."""
    architecture: str = ""
    source: str = ""
    """The name of the source package that it was built from, where that differs; its version likewise."""
    source_version: str = ""
    """Of Go UNORDERED, where `version` names a revision and says nothing of releases."""
    licences: tuple[str, ...] = ()
    """As declared, not interpreted: SPDX expressions where the ecosystem has them, else its own words."""


class Distribution(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which distribution an image is, as `os-release` says."""

    id: str
    """Such as `debian`."""
    version: str = ""
    """VERSION_ID, such as `12`; of a rolling one nothing."""
    codename: str = ""
    name: str = ""
    """PRETTY_NAME."""
    like: tuple[str, ...] = ()
    """ID_LIKE."""
