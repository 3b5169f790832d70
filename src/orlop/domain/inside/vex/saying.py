"""What documents say of a finding: which statements are about it, and which of them counts."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import msgspec

from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.purl import PackageUrl, parse_purl
from orlop.domain.inside.vex.statements import CLEARING, VexDocument, VexProduct, VexStatement, VexStatus


class VexSource(msgspec.Struct, frozen=True, kw_only=True):
    """A document that counts, and where it is from: the digest of a referrer, or the name and place of a setting."""

    document: VexDocument
    referrer: str = ""
    pushed_by: str = ""
    name: str = ""
    path: str = ""


class VexWord(msgspec.Struct, frozen=True, kw_only=True):
    """What is said last of a finding, by which document; see VexSource."""

    status: VexStatus
    why: str
    said_at: int
    author: str
    document: str
    """As its author names it."""
    referrer: str
    pushed_by: str
    name: str
    path: str

    @property
    def clears(self) -> bool:
        """Whether the finding concerns nobody any more."""
        return self.status in CLEARING


class VexImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image as statements may name it."""

    repository: str
    digests: frozenset[str]
    """Its own, and that of the index that it was asked for by."""
    tags: frozenset[str]
    purls: tuple[str, ...]
    """Of all packages in it; none where no statement is about packages that hold others."""


class VexSayings:
    """What documents say of an image. Statements are found by the advisory that they are about, whatever its case."""

    def __init__(self, image: VexImage, sources: Iterable[VexSource]) -> None:
        self._image = image
        self._by_id: dict[str, list[tuple[VexSource, VexStatement]]] = {}
        for source in sources:
            for statement in source.document.statements:
                for name in statement.ids:
                    self._by_id.setdefault(name.upper(), []).append((source, statement))

    def of(self, ids: Sequence[str], purl: str) -> VexWord | None:
        """What is said last of an advisory with these names and a package; None: nothing. Of what is said at the same
        time the worse counts."""
        found = [
            (source, statement)
            for name in ids
            for source, statement in self._by_id.get(name.upper(), ())
            if is_about(statement, self._image, purl, attached=bool(source.referrer))
        ]
        if not found:
            return None
        source, last = max(found, key=lambda each: (each[1].said_at, each[1].status not in CLEARING))
        return VexWord(
            status=last.status,
            why=last.why,
            said_at=last.said_at,
            author=source.document.author,
            document=source.document.id,
            referrer=source.referrer,
            pushed_by=source.pushed_by,
            name=source.name,
            path=source.path,
        )


def is_about_holders(document: VexDocument) -> bool:
    """Whether a statement of it is about what is in a package, as a jar has others in it."""
    return any(
        product.parts and any(url.type not in {"oci", "docker"} for url in _urls(product.names))
        for statement in document.statements
        for product in statement.products
    )


def is_about(statement: VexStatement, image: VexImage, purl: str, *, attached: bool) -> bool:
    """Whether a statement of a document is about a package in an image. `attached`: the document refers to the image,
    which it means where it names no product."""
    if not statement.products:
        return attached
    return any(_names(product, image, purl, attached=attached) for product in statement.products)


def _names(product: VexProduct, image: VexImage, purl: str, *, attached: bool) -> bool:
    if _is_image(product, image, attached=attached):
        return not product.parts or any(_is_package(part, purl) for part in product.parts)
    if not product.parts:
        return _is_package(product.names, purl)
    if _urls(product.names):  # a package that holds others
        holds = any(_is_package(product.names, each) for each in image.purls)
        return holds and any(_is_package(part, purl) for part in product.parts)
    if product.hashes:
        return False
    # A product of words, such as a distribution: its part says which one it is of, if it says its version.
    return any(_is_package(part, purl, exact=True) for part in product.parts)


def _is_package(names: Sequence[str], purl: str, *, exact: bool = False) -> bool:
    """Whether one of the names is that of a package, of any version where it says none and `exact` does not ask. All
    qualifiers that it has are those of the package."""
    of = _url(purl)
    if of is None:
        return False
    qualifiers = dict(of.qualifiers)
    return any(
        (url.type, url.namespace, url.name, url.subpath) == (of.type, of.namespace, of.name, of.subpath)
        and (url.version == of.version or not (url.version or exact))
        and all(qualifiers.get(key) == value for key, value in url.qualifiers)
        for url in _urls(names)
    )


def _is_image(product: VexProduct, image: VexImage, *, attached: bool) -> bool:
    if not image.digests.isdisjoint((*product.hashes, *product.names)):
        return True
    return any(_is_image_url(url, image, attached=attached) for url in _urls(product.names))


def _is_image_url(url: PackageUrl, image: VexImage, *, attached: bool) -> bool:
    """Types `oci` and `docker` (purl-spec, PURL-TYPES): the first has the repository as a qualifier, the version is a
    digest; the second has it as namespace and name, the version is a tag or a digest."""
    qualifiers: Mapping[str, str] = dict(url.qualifiers)
    if url.type == "docker":
        if f"{url.namespace}/{url.name}".strip("/") != image.repository:
            return False
        return not url.version or url.version in image.digests or url.version in image.tags
    if url.type != "oci" or url.name != image.repository.rpartition("/")[2].lower():
        return False
    where = qualifiers.get("repository_url", "")
    if where and not f"/{where.rstrip('/')}".endswith(f"/{image.repository}"):
        return False
    if qualifiers.get("tag", "") and qualifiers["tag"] not in image.tags:
        return False
    if url.version:
        return url.version in image.digests
    return bool(where) or attached


def _urls(names: Sequence[str]) -> list[PackageUrl]:
    return [url for name in names if (url := _url(name)) is not None]


@lru_cache(8192)
def _url(text: str) -> PackageUrl | None:
    if not text.startswith("pkg:"):
        return None
    try:
        return parse_purl(text)
    except RequestInvalid:
        return None
