"""What stands behind `/r/` in the address of a page: a place with one of its tabs, or an image.

A tab stands behind a component `-`, which no repository's name has, so that `/r/team/app/-/history` is the history of
`team/app` whatever repositories there are.
"""

from urllib.parse import quote, urlencode

import msgspec

from orlop.domain.errors import DigestInvalid, NameInvalid, NotFound, TagInvalid
from orlop.domain.names import Reference, RepositoryName, parse_reference

_PREFIX = "/r/"


class PlaceAddress(msgspec.Struct, frozen=True):
    """A namespace or a repository. `tab` is empty for what is shown first."""

    name: str
    tab: str = ""


class ImageAddress(msgspec.Struct, frozen=True):
    """What a tag or a digest of a repository leads to. `tab` is empty for what is shown first."""

    repository: RepositoryName
    reference: Reference
    tab: str = ""


def parse_address(text: str) -> PlaceAddress | ImageAddress:
    """`team/app`, `team/app/-/history`, `team/app:1.4`, `team/app@sha256:…`, `team/app:1.4/-/packages`; of
    `team/app:1.4@sha256:…` the digest counts, as for clients. Raises NotFound."""
    whole, dash, tab = text.partition("/-/")
    name, at, digest = whole.partition("@")
    if at:
        return _image(name.partition(":")[0], digest, tab)
    name, colon, tag = whole.partition(":")
    if colon:
        return _image(name, tag, tab)
    return PlaceAddress(_name(name if dash else name.removesuffix("/")), tab)


def pasted_address(path: str) -> str | None:
    """Where the page of an image is whose reference somebody typed behind the name of the registry; None where it is
    no reference of an image."""
    try:
        found = parse_address(path.removeprefix("/"))
    except NotFound:
        return None
    return image_address(found.repository, found.reference, found.tab) if isinstance(found, ImageAddress) else None


def place_address(name: str, tab: str = "") -> str:
    """Where the page of a place is."""
    return f"{_PREFIX}{name}/-/{tab}" if tab else f"{_PREFIX}{name}"


def image_address(repository: str, reference: str, tab: str = "") -> str:
    """Where the page of an image is."""
    address = f"{_PREFIX}{repository}{'@' if ':' in reference else ':'}{reference}"
    return f"{address}/-/{tab}" if tab else address


def finding_address(name: str) -> str:
    """Where the page of a vulnerability or an advisory is."""
    return f"/vulnerabilities/{quote(name, safe='')}"


def settings_address(plural: str, name: str, **query: str) -> str:
    """Where the page of a setting is, or without a name that of its kind; with what of the query is not empty."""
    said = urlencode({key: value for key, value in query.items() if value})
    return "/".join(part for part in ("/rules", plural, name) if part) + (f"?{said}" if said else "")


def _image(name: str, reference: str, tab: str) -> ImageAddress:
    try:
        return ImageAddress(RepositoryName(name), parse_reference(reference), tab)
    except (NameInvalid, TagInvalid, DigestInvalid) as refusal:
        raise NotFound("there is no such image: an image is written as team/app:1.4 or team/app@sha256:…") from refusal


def _name(text: str) -> str:
    try:
        return str(RepositoryName(text))
    except NameInvalid as refusal:
        raise NotFound("there is no such namespace or repository") from refusal
