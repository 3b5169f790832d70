"""Package URLs (packageurl.org, ECMA-427): the one name of a package that all tools share, and questions written so."""

import re
from typing import Any

import msgspec

from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.package import DISTRIBUTION_TYPES, Distribution, Package
from orlop.domain.inside.versions import order_of
from orlop.domain.inside.versions.order import VersionUnordered

#: What stands as it is (section 5.4, "Character encoding").
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_~:")
#: Types whose names are written in lower case, and those whose namespaces are. Names of Go modules and npm packages
#: are left alone: there are some that differ by nothing else.
_LOWER_NAMES = frozenset({"deb", "apk", "pypi", "composer", "github", "bitbucket"})
_LOWER_NAMESPACES = frozenset({"deb", "apk", "rpm", "composer", "github", "bitbucket"})
#: Distributions whose namespace is not their id.
_NAMESPACES = {"rhel": "redhat", "opensuse-leap": "opensuse", "opensuse-tumbleweed": "opensuse"}

_TYPE = re.compile(r"[A-Za-z.-][A-Za-z0-9.-]*", re.ASCII)
_KEY = re.compile(r"[a-z.-][a-z0-9._-]*", re.ASCII)
_ENCODED = re.compile(r"%([0-9A-Fa-f]{2})|%", re.ASCII)
#: Characters of a URL: more are refused before they are looked at.
_LONGEST = 4096


class PackageUrl(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A package URL; its text is the canonical one."""

    type: str
    name: str
    namespace: str = ""
    version: str = ""
    qualifiers: tuple[tuple[str, str], ...] = ()
    """In the order of their keys; none is empty."""
    subpath: str = ""

    def __str__(self) -> str:
        path = "/".join(_quoted(part) for part in (*self.namespace.split("/"), self.name) if part)
        version = f"@{_quoted(self.version)}" if self.version else ""
        listed = "&".join(f"{key}={_quoted(value)}" for key, value in self.qualifiers)
        below = "/".join(_quoted(part) for part in self.subpath.split("/") if part)
        return f"pkg:{self.type}/{path}{version}{f'?{listed}' if listed else ''}{f'#{below}' if below else ''}"


def made(
    kind: str, namespace: str, name: str, version: str = "", qualifiers: dict[str, str] | None = None, subpath: str = ""
) -> PackageUrl:
    """A URL of parts that are not normalised yet. Raises RequestInvalid."""
    kind = kind.lower()
    if _TYPE.fullmatch(kind) is None:
        raise RequestInvalid(f"{kind[:64]!r} is no type of packages, such as deb or npm")
    if not name:
        raise RequestInvalid("a package URL has a name behind its type")
    kept = {key.lower(): value for key, value in (qualifiers or {}).items() if value}
    for key in kept:
        if _KEY.fullmatch(key) is None:
            raise RequestInvalid(f"{key[:64]!r} is no key of a qualifier")
    if kind in _LOWER_NAMES:
        name = name.lower()
    if kind in _LOWER_NAMESPACES:
        namespace = namespace.lower()
    if kind == "pypi":
        name = name.replace("_", "-")
    return PackageUrl(
        type=kind,
        namespace="/".join(part for part in namespace.split("/") if part),
        name=name,
        version=version,
        qualifiers=tuple(sorted(kept.items())),
        subpath="/".join(part for part in subpath.split("/") if part not in ("", ".", "..")),
    )


def purl(package: Package, distribution: Distribution | None = None) -> str:
    """The URL of a package; of one of a distribution with that as its namespace. Qualifiers are those of syft."""
    namespace, qualifiers = package.namespace, {"arch": package.architecture}
    if package.type in DISTRIBUTION_TYPES:
        qualifiers["upstream"] = _upstream(package)
        if distribution is not None:
            namespace = namespace or _NAMESPACES.get(distribution.id, distribution.id)
            qualifiers["distro"] = "-".join(part for part in (distribution.id, distribution.version) if part)
    if package.epoch:
        qualifiers["epoch"] = str(package.epoch)
    return str(made(package.type, namespace, package.name or "unknown", package.version, qualifiers))


def without_version(url: str) -> str:
    """The same without version and qualifiers: all versions of a package have it in common."""
    return url.partition("?")[0].rpartition("@")[0] or url.partition("?")[0]


def _upstream(package: Package) -> str:
    """The source package: with its version where that is another; of rpm the name of its file."""
    name = package.source or package.name
    if package.type == "rpm":
        return "" if package.name == "gpg-pubkey" else f"{name}-{package.source_version or package.version}.src.rpm"
    if not package.source and not package.source_version:
        return ""
    return f"{name}@{package.source_version}" if package.source_version else name


# --- Reading ------------------------------------------------------------------------------------------------------


def parse_purl(text: str) -> PackageUrl:
    """Read a URL, which need not be canonical (section 5.6, "How to parse"). Raises RequestInvalid."""
    if len(text) > _LONGEST:
        raise RequestInvalid(f"a package URL has at most {_LONGEST} characters")
    scheme, colon, rest = text.strip().partition(":")
    if not colon or scheme.lower() != "pkg":
        raise RequestInvalid("a package URL begins with pkg:, as in pkg:npm/lodash@4.17.21")
    rest, _, subpath = rest.partition("#")
    rest, _, query = rest.partition("?")
    kind, slash, path = rest.strip("/").partition("/")
    if not slash:
        raise RequestInvalid("a package URL has a type and a name, as in pkg:npm/lodash")
    at = path.rfind("@")
    if at < 0 or at < path.rfind("/"):  # none, or the sign before a scope of npm that is not encoded
        at = len(path)
    namespace, _, name = path[:at].strip("/").rpartition("/")
    return made(
        kind,
        "/".join(_plain(part) for part in namespace.split("/")),
        _plain(name),
        _plain(path[at + 1 :]),
        _read_qualifiers(query),
        "/".join(_plain(part) for part in subpath.split("/")),
    )


def _read_qualifiers(query: str) -> dict[str, str]:
    read: dict[str, str] = {}
    for pair in query.split("&") if query else ():
        key, _, value = pair.partition("=")
        if key.lower() in read:
            raise RequestInvalid(f"the qualifier {key[:64]} stands twice")
        read[key.lower()] = _plain(value)
    return read


def _plain(text: str) -> str:
    """Without percent signs. Raises RequestInvalid."""
    if "%" not in text:
        return text
    if any(found[1] is None for found in _ENCODED.finditer(text)):
        raise RequestInvalid("a percent sign stands before two hexadecimal digits")
    latin = _ENCODED.sub(lambda found: chr(int(found[1], 16)), "".join(_bytewise(each) for each in text))
    try:
        return latin.encode("latin-1").decode()
    except UnicodeDecodeError as error:
        raise RequestInvalid("what is encoded with percent signs is no UTF-8") from error


def _bytewise(character: str) -> str:
    return character if character.isascii() else character.encode("utf-8", "surrogateescape").decode("latin-1")


def _quoted(text: str) -> str:
    if _PLAIN.issuperset(text):
        return text
    listed = text.encode("utf-8", "surrogateescape")
    return "".join(chr(each) if chr(each) in _PLAIN else f"%{each:02X}" for each in listed)


# --- Questions ----------------------------------------------------------------------------------------------------

_BOUND = re.compile(r"\s*(<=|>=|<|>|==|=|!=)?\s*([^\s,<>=!]+)\s*(?:,(?=\s*\S)|$|(?=[\s<>=!]))")


class PackageQuestion(msgspec.Struct, frozen=True):
    """Which packages are asked for: a URL without its version, and bounds that versions have to keep, all of them."""

    url: PackageUrl
    bounds: tuple[tuple[str, str], ...] = ()
    """Signs with versions: `<`, `<=`, `>`, `>=`, `=` and `!=`."""

    def has(self, version: str) -> bool | None:
        """Whether a version is among those; None where it cannot be compared."""
        if not self.bounds:
            return True
        by = order_of(self.url.type)
        answer: bool | None = True
        for sign, bound in self.bounds:
            if sign in ("=", "!=") and version == bound:
                kept: bool | None = sign == "="
            else:
                try:
                    kept = _KEPT[sign](by.compare(version, bound)) if by is not None else None
                except VersionUnordered:
                    kept = None
            if kept is False:
                return False
            answer = answer if kept else None
        return answer


_KEPT: dict[str, Any] = {
    "<": lambda way: way < 0,
    "<=": lambda way: way <= 0,
    ">": lambda way: way > 0,
    ">=": lambda way: way >= 0,
    "=": lambda way: way == 0,
    "!=": lambda way: way != 0,
}


def parse_question(text: str) -> PackageQuestion:
    """Read a URL whose version may be a range: `pkg:maven/org.apache.logging.log4j/log4j-core@>=2.0,<2.17`. Raises
    RequestInvalid."""
    url = parse_purl(text)
    if not url.version:
        return PackageQuestion(url)
    bare = msgspec.structs.replace(url, version="")
    bounds: list[tuple[str, str]] = []
    place = 0
    while place < len(url.version):
        found = _BOUND.match(url.version, place)
        if found is None:
            raise RequestInvalid(f"{url.version[:64]!r} is neither a version nor a range such as >=2.0,<2.17")
        bounds.append(("=" if found[1] in (None, "==") else found[1], found[2]))
        place = found.end()
    return PackageQuestion(bare, tuple(bounds))
