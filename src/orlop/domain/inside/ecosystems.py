"""By which names advisories know a package: ecosystems of OSV (ossf.github.io/osv-schema, "Defined ecosystems")."""

import re
from collections.abc import Callable

import msgspec

from orlop.domain.inside.package import Distribution, Package


class Key(msgspec.Struct, frozen=True):
    """A package as advisories of an ecosystem name it, and its version as they compare it."""

    ecosystem: str
    name: str
    version: str


#: Runs of what PEP 503 takes for one dash.
_DASHES = re.compile(r"[-_.]+")
#: The first month of Ubuntu's releases with long support, and in which years they come.
_LONG_SUPPORT = re.compile(r"[0-9]?[02468]\.04")
#: Repositories of a release of Red Hat's that advisories name.
_RED_HAT = ("baseos", "appstream", "crb")


def keys(package: Package, distribution: Distribution | None) -> tuple[Key, ...]:
    """The names of a package; none where nobody's advisories are about it, or where it is not known which
    distribution it belongs to."""
    named = _LANGUAGES.get(package.type)
    if named is not None:
        return named(package)
    if distribution is None:
        return ()
    ecosystems = _ecosystems(distribution)
    names = _of_distribution(package, by_source=distribution.id in _BY_SOURCE)
    return tuple(Key(ecosystem, name, version) for ecosystem in ecosystems for name, version in names)


# --- Distributions ------------------------------------------------------------------------------------------------

#: Whose advisories are about source packages. All others name what is installed, and some the source as well.
_BY_SOURCE = frozenset({"debian", "ubuntu", "alpine", "wolfi", "chainguard"})


def _of_distribution(package: Package, *, by_source: bool) -> list[tuple[str, str]]:
    epoch = f"{package.epoch}:" if package.epoch else ""
    source = package.source or package.name, package.source_version or f"{epoch}{package.version}"
    if by_source:
        return [source]
    installed = package.name, f"{epoch}{package.version}"
    return [installed] if source[0] == package.name else [installed, source]


def _ecosystems(distribution: Distribution) -> tuple[str, ...]:
    version = distribution.version
    major, _, rest = version.partition(".")
    minor = f"{major}.{rest.partition('.')[0]}"
    match distribution.id:
        case "debian":
            return (f"Debian:{major}",) if major else ()
        case "ubuntu":
            return (f"Ubuntu:{version}:LTS" if _LONG_SUPPORT.fullmatch(version) else f"Ubuntu:{version}",)
        case "alpine":
            return (f"Alpine:v{minor}",) if rest else ()
        case "wolfi":
            return ("Wolfi",)
        case "chainguard":
            return ("Chainguard",)
        case "almalinux":
            return (f"AlmaLinux:{major}",)
        case "rocky":
            return (f"Rocky Linux:{major}",)
        case "rhel":
            return tuple(f"Red Hat:enterprise_linux:{major}::{part}" for part in _RED_HAT)
        case "opensuse-leap":
            return (f"openSUSE:Leap {version}",)
        case "opensuse-tumbleweed":
            return ("openSUSE:Tumbleweed",)
        case "sles":
            service = f" SP{rest}" if rest else ""
            return (f"SUSE:Linux Enterprise Server {major}{service}",)
        case "azurelinux" | "mariner":
            return (f"Azure Linux:{major}",)
        case "photon":
            return (f"Photon OS:{version}",)
        case "mageia":
            return (f"Mageia:{major}",)
        case "openEuler":
            return (f"openEuler:{version}",)
    return ()


# --- Languages ----------------------------------------------------------------------------------------------------


def _python(package: Package) -> tuple[Key, ...]:
    return (Key("PyPI", _DASHES.sub("-", package.name).lower(), package.version),)


def _go(package: Package) -> tuple[Key, ...]:
    name = f"{package.namespace}/{package.name}" if package.namespace else package.name
    return (Key("Go", name, package.version.removeprefix("v").removeprefix("go")),)


def _within(ecosystem: str, separator: str = "/") -> Callable[[Package], tuple[Key, ...]]:
    """The namespace stands before the name."""

    def named(package: Package) -> tuple[Key, ...]:
        before = f"{package.namespace}{separator}" if package.namespace else ""
        return (Key(ecosystem, f"{before}{package.name}", package.version),)

    return named


_LANGUAGES: dict[str, Callable[[Package], tuple[Key, ...]]] = {
    "pypi": _python,
    "golang": _go,
    "npm": _within("npm"),
    "cargo": _within("crates.io"),
    "maven": _within("Maven", ":"),
    "gem": _within("RubyGems"),
    "composer": _within("Packagist"),
    "nuget": _within("NuGet"),
    "conda": lambda _: (),
}
