"""How each ecosystem orders versions: a module for each order, and which ecosystem has which."""

from orlop.domain.inside.versions import apk, composer, conda, deb, gem, golang, maven, nuget, pep440, rpm, semver
from orlop.domain.inside.versions.order import VersionOrder

_DEB = VersionOrder("deb", deb.parse)
_RPM = VersionOrder("rpm", rpm.parse)
_APK = VersionOrder("apk", apk.parse)
_SEMVER = VersionOrder("semver", semver.parse)

#: By the ecosystem without what stands behind its colon (ossf.github.io/osv-schema, "Defined ecosystems").
_ORDERS = {
    "Debian": _DEB,
    "Echo": _DEB,
    "Ubuntu": _DEB,
    "AlmaLinux": _RPM,
    "Azure Linux": _RPM,
    "Mageia": _RPM,
    "openEuler": _RPM,
    "openSUSE": _RPM,
    "Photon OS": _RPM,
    "Red Hat": _RPM,
    "Rocky Linux": _RPM,
    "SUSE": _RPM,
    "Alpaquita": _APK,
    "Alpine": _APK,
    "BellSoft Hardened Containers": _APK,
    "Chainguard": _APK,
    "MinimOS": _APK,
    "Wolfi": _APK,
    "PyPI": VersionOrder("pep440", pep440.parse),
    "Bitnami": _SEMVER,
    "crates.io": _SEMVER,
    "npm": _SEMVER,
    "Go": VersionOrder("golang", golang.parse),
    "Maven": VersionOrder("maven", maven.parse),
    "NuGet": VersionOrder("nuget", nuget.parse),
    "Packagist": VersionOrder("composer", composer.parse),
    "RubyGems": VersionOrder("gem", gem.parse),
    "Conda": VersionOrder("conda", conda.parse),
}


def order(ecosystem: str) -> VersionOrder | None:
    """How an ecosystem, such as `Debian:12`, orders its versions; None: that is not known."""
    return _ORDERS.get(ecosystem.partition(":")[0])


#: By the type of a package URL.
_TYPES = {
    "apk": "Alpine",
    "cargo": "crates.io",
    "composer": "Packagist",
    "conda": "Conda",
    "deb": "Debian",
    "gem": "RubyGems",
    "golang": "Go",
    "maven": "Maven",
    "npm": "npm",
    "nuget": "NuGet",
    "pypi": "PyPI",
    "rpm": "Red Hat",
}


def order_of(kind: str) -> VersionOrder | None:
    """How packages of a type, such as `deb`, order their versions; None: that is not known."""
    return _ORDERS.get(_TYPES.get(kind, ""))
