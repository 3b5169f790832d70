"""Questions for packages as people type them: a package URL whose version may be a range, or a name without a type."""

import msgspec

from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.purl import PackageQuestion, PackageUrl, parse_purl, parse_question

#: The type that stands for any.
_ANY = "any"


class PackageAsked(msgspec.Struct, frozen=True):
    """Which packages are asked for. `type` and `namespace` are empty where any will do."""

    type: str
    namespace: str
    name: str
    qualifiers: tuple[tuple[str, str], ...]
    bounds: tuple[tuple[str, str], ...]

    @property
    def key(self) -> str:
        """The name as packages are looked up by."""
        return asked_key(self.name)

    def means(self, url: PackageUrl) -> bool:
        """Whether a package has this name, whatever its version is."""
        if self.type and (url.type, url.name) != (self.type, self.name):
            return False
        if self.namespace and url.namespace.lower() != self.namespace.lower():
            return False
        return asked_key(url.name) == self.key and set(self.qualifiers) <= set(url.qualifiers)

    def has(self, url: PackageUrl) -> bool | None:
        """Whether its version is among those; None where it cannot be compared."""
        epoch = dict(url.qualifiers).get("epoch", "") if url.type == "rpm" else ""
        bare = msgspec.structs.replace(url, version="")
        return PackageQuestion(bare, self.bounds).has(f"{epoch}:{url.version}" if epoch else url.version)


def asked_key(name: str) -> str:
    """A name in small letters, with dashes for underscores; only ASCII letters have small ones here."""
    return "".join(chr(ord(one) + 32) if "A" <= one <= "Z" else one for one in name).replace("_", "-")


def parse_asked(text: str) -> PackageAsked:
    """Read `pkg:maven/org.apache.logging.log4j/log4j-core@>=2.0,<2.17`, or `log4j-core@<2.17` of any type. Raises
    RequestInvalid."""
    text = text.strip()
    if not text:
        raise RequestInvalid("name a package, as in pkg:npm/lodash@<4.17.21, or lodash")
    typed = text[:4].lower() == "pkg:"
    question = parse_question(text if typed else f"pkg:{_ANY}/{_with_slash(text)}")
    url = question.url
    return PackageAsked(
        type=url.type if typed else "",
        namespace=url.namespace,
        name=url.name,
        qualifiers=url.qualifiers,
        bounds=question.bounds,
    )


def _with_slash(text: str) -> str:
    """`group:artifact` as Maven writes it, with a slash."""
    name, at, version = text.partition("@") if not text.startswith("@") else (text, "", "")
    group, colon, artifact = name.partition(":")
    return f"{group}/{artifact}{at}{version}" if colon and group and artifact else text


def package_url(text: str) -> PackageUrl | None:
    """The URL of a package that is stored; None for one that nobody can read."""
    try:
        return parse_purl(text)
    except RequestInvalid:
        return None
