"""Package URLs (github.com/package-url/purl-spec): the one name of a package that all tools share."""

import re
from urllib.parse import quote

from orlop.domain.inside.package import DISTRIBUTION_TYPES, Distribution, Package

#: What stands as it is, beside letters and digits (PURL-SPECIFICATION, "Character encoding").
_PLAIN = ".-_~:"
#: Types whose names are written in lower case, and those whose namespaces are.
_LOWER_NAMES = frozenset({"deb", "apk", "pypi", "composer"})
_LOWER_NAMESPACES = frozenset({"deb", "apk", "rpm", "composer"})
_UNDERSCORES = re.compile(r"_")


def purl(package: Package, distribution: Distribution | None = None) -> str:
    """The URL of a package; of one of a distribution with that as its namespace."""
    namespace, name = package.namespace, package.name
    if package.type in DISTRIBUTION_TYPES and not namespace and distribution is not None:
        namespace = distribution.id
    if package.type in _LOWER_NAMES:
        name = name.lower()
    if package.type in _LOWER_NAMESPACES:
        namespace = namespace.lower()
    if package.type == "pypi":
        name = _UNDERSCORES.sub("-", name)
    parts = [*(part for part in namespace.split("/") if part), name]
    path = "/".join(_quoted(part) for part in parts)
    version = f"@{_quoted(package.version)}" if package.version else ""
    return f"pkg:{package.type}/{path}{version}{_qualifiers(package, distribution)}"


def without_version(url: str) -> str:
    """The same without version and qualifiers: all versions of a package have it in common."""
    return url.partition("?")[0].rpartition("@")[0] or url.partition("?")[0]


def _qualifiers(package: Package, distribution: Distribution | None) -> str:
    """In the order of their keys. `upstream` and `distro` are what syft writes, too."""
    said = {"arch": package.architecture, "epoch": str(package.epoch) if package.epoch else ""}
    if package.type in DISTRIBUTION_TYPES:
        said["upstream"] = _upstream(package)
        if distribution is not None:
            said["distro"] = "-".join(part for part in (distribution.id, distribution.version) if part)
    listed = "&".join(f"{key}={_quoted(value)}" for key, value in sorted(said.items()) if value)
    return f"?{listed}" if listed else ""


def _upstream(package: Package) -> str:
    """The source package, with its version where that is another."""
    if not package.source and not package.source_version:
        return ""
    name = package.source or package.name
    return f"{name}@{package.source_version}" if package.source_version else name


def _quoted(text: str) -> str:
    return quote(text, safe=_PLAIN)
