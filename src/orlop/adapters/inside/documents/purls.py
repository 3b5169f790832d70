"""Package URLs of documents as packages: what layers say by themselves is taken from qualifiers."""

from orlop.adapters.inside.documents.bounds import LICENCES, TEXT
from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.package import DISTRIBUTION_TYPES, Distribution, Package
from orlop.domain.inside.purl import PackageUrl, parse_purl

#: Namespaces that are no id of a distribution: the other way round as in domain.inside.purl.
_IDS = {"redhat": "rhel"}
_SOURCE_RPM = ".src.rpm"


def package_of(url: str, licences: tuple[str, ...]) -> tuple[Package, Distribution | None] | None:
    """The package of a URL, and the distribution that it says it is of; None for what is no URL of a package."""
    try:
        parsed = parse_purl(url)
    except RequestInvalid:
        return None
    qualifiers = dict(parsed.qualifiers)
    if parsed.type not in DISTRIBUTION_TYPES:
        package = Package(
            type=parsed.type,
            name=parsed.name,
            version=parsed.version,
            namespace=parsed.namespace,
            architecture=qualifiers.get("arch", ""),
            licences=fitting(licences),
        )
        return package, None
    source, source_version = _source(parsed, qualifiers.get("upstream", ""))
    epoch = qualifiers.get("epoch", "")
    package = Package(
        type=parsed.type,
        name=parsed.name,
        version=parsed.version,
        epoch=int(epoch) if epoch.isascii() and epoch.isdigit() and len(epoch) < 10 else 0,
        architecture=qualifiers.get("arch", ""),
        source=source,
        source_version=source_version,
        licences=fitting(licences),
    )
    return package, _distribution(parsed.namespace, qualifiers.get("distro", ""))


def fitting(licences: tuple[str, ...]) -> tuple[str, ...]:
    """As many as are kept, each as long as is kept."""
    return tuple(dict.fromkeys(text[:TEXT] for text in licences if text.strip()))[:LICENCES]


def _source(parsed: PackageUrl, upstream: str) -> tuple[str, str]:
    """What it was built from, and its version where that is another."""
    if parsed.type == "rpm":
        name, dash, release = upstream.removesuffix(_SOURCE_RPM).rpartition("-")
        name, other, version = name.rpartition("-")
        if not (upstream.endswith(_SOURCE_RPM) and dash and other):
            return "", ""
        built = f"{version}-{release}"
        return ("" if name == parsed.name else name), ("" if built == parsed.version else built)
    name, _, version = upstream.partition("@")
    return ("" if name == parsed.name else name), version


def _distribution(namespace: str, said: str) -> Distribution | None:
    """`debian-12` of Debian's; syft writes the name, too, and trivy the version alone."""
    if not namespace:
        return None
    known = _IDS.get(namespace, namespace)
    name, dash, version = said.partition("-")
    if not dash:
        return Distribution(id=known, version=said if said[:1].isdigit() else "")
    # opensuse-leap-15.5 has a dash in its id.
    if not version[:1].isdigit():
        name, _, version = said.rpartition("-")
    return Distribution(id=name or known, version=version)
