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
#: The releases of Ubuntu with long support: those of the fourth month of even years.
_LONG_SUPPORT = re.compile(r"[0-9]?[02468]\.04")


def keys(package: Package, distribution: Distribution | None) -> tuple[Key, ...]:
    """The names of a package; none where nobody's advisories are about it, or where it is not known which
    distribution it belongs to."""
    named = _LANGUAGES.get(package.type)
    if named is not None:
        return named(package)
    if distribution is None:
        return ()
    ecosystems = _ecosystems(distribution)
    found = (
        Key(ecosystem, name, version)
        for ecosystem in ecosystems
        for name, version in _of_distribution(package, ecosystem.partition(":")[0])
    )
    return tuple(dict.fromkeys(found))


def canonical(ecosystem: str, name: str) -> tuple[str, str]:
    """An ecosystem and a name out of an advisory as `keys` writes them."""
    base, _, rest = ecosystem.partition(":")
    if rest.startswith(("https:", "http:")):  # the repository of a package of Maven or Packagist
        ecosystem = base
    if base == "PyPI":
        return ecosystem, _DASHES.sub("-", name).lower()
    if base in ("NuGet", "Packagist"):
        return ecosystem, name.lower()
    return ecosystem, name


# --- Distributions ------------------------------------------------------------------------------------------------

#: Whose advisories name what is installed, and whose name that as well as what it was built from. All others name
#: source packages.
_BY_NAME = frozenset({"AlmaLinux", "Red Hat", "Photon OS"})
_BY_BOTH = frozenset({"Wolfi", "Chainguard", "MinimOS"})
#: Parts of a release of Red Hat's that advisories name, and modules of SUSE's that are in its images.
_RED_HAT = ("baseos", "appstream", "crb")
_SUSE = ("Basesystem", "Server Applications", "Development Tools", "Python 3", "Containers")
#: Debian's releases by their names, for those that do not say a number yet.
_DEBIAN = {"bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14", "sid": "sid"}


def _of_distribution(package: Package, ecosystem: str) -> list[tuple[str, str]]:
    epoch = f"{package.epoch}:" if package.epoch else ""
    installed = package.name, f"{epoch}{package.version}"
    if package.source_version and package.type == "rpm":
        # What it was built from has an epoch of its own, which nothing says where its version is another.
        same = package.source_version == package.version
        built = package.source or package.name, f"{epoch if same else ':'}{package.source_version}"
    else:
        built = package.source or package.name, package.source_version or installed[1]
    if ecosystem in _BY_NAME:
        return [installed]
    return [installed, built] if ecosystem in _BY_BOTH else [built]


def _ecosystems(distribution: Distribution) -> tuple[str, ...]:
    version = distribution.version
    major, _, rest = version.partition(".")
    if distribution.id in ("opensuse-tumbleweed", "wolfi", "chainguard", "minimos"):
        return _ROLLING[distribution.id]
    if distribution.id in ("debian", "raspbian"):
        release = major or _DEBIAN.get(distribution.codename, "")
        return (f"Debian:{release}", "Debian") if release else ()
    if not version:
        return ()
    match distribution.id:
        case "ubuntu":
            release = f"{version}:LTS" if _LONG_SUPPORT.fullmatch(version) else version
            return f"Ubuntu:{release}", f"Ubuntu:Pro:{release}"
        case "alpine":
            return (f"Alpine:v{major}.{rest.partition('.')[0]}",) if rest else ()
        case "alpaquita":
            return (f"Alpaquita:{version}",)
        case "almalinux":
            return f"AlmaLinux:{major}", "AlmaLinux"
        case "rocky":
            return f"Rocky Linux:{major}", "Rocky Linux"
        case "rhel":
            return tuple(f"Red Hat:enterprise_linux:{major}::{part}" for part in _RED_HAT)
        case "opensuse-leap":
            return (f"openSUSE:Leap {version}",)
        case "sles":
            release = f"{major} SP{rest}" if rest else major
            modules = (f"SUSE:Linux Enterprise Module for {each} {release}" for each in _SUSE)
            return (f"SUSE:Linux Enterprise Server {release}", *(modules if major == "15" else ()))
        case "azurelinux" | "mariner":
            return (f"Azure Linux:{major}",)
        case "photon":
            return (f"Photon OS:{version}",)
        case "mageia":
            return (f"Mageia:{major}",)
        case "openEuler":
            named = distribution.name.partition("(")[2].rstrip(")")  # openEuler 22.03 (LTS-SP3)
            return (f"openEuler:{version}-{named}" if named.startswith("LTS") else f"openEuler:{version}",)
    return ()


_ROLLING = {
    "opensuse-tumbleweed": ("openSUSE:Tumbleweed",),
    "wolfi": ("Wolfi",),
    "chainguard": ("Chainguard",),
    "minimos": ("MinimOS",),
}


# --- Languages ----------------------------------------------------------------------------------------------------


def _python(package: Package) -> tuple[Key, ...]:
    return (Key(*canonical("PyPI", package.name), package.version),)


def _go(package: Package) -> tuple[Key, ...]:
    name = f"{package.namespace}/{package.name}" if package.namespace else package.name
    version = package.source_version or package.version
    return (Key("Go", name, version.removeprefix("v").removeprefix("go")),)


def _within(ecosystem: str, separator: str = "/") -> Callable[[Package], tuple[Key, ...]]:
    """The namespace stands before the name."""

    def named(package: Package) -> tuple[Key, ...]:
        before = f"{package.namespace}{separator}" if package.namespace else ""
        return (Key(*canonical(ecosystem, f"{before}{package.name}"), package.version),)

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
    "bitnami": _within("Bitnami"),
    "conda": lambda _: (),
}
