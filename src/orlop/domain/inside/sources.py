"""Sources of advisories as settings: where they are fetched from, how often, and who has to have signed them."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from orlop.domain.access.actions import Action
from orlop.domain.durations import MINUTE, span
from orlop.domain.errors import RegistryError
from orlop.domain.identity.providers import is_loopback_host
from orlop.domain.names import RepositoryName, parse_reference
from orlop.domain.settings import SettingKind, nobody
from orlop.domain.upstreams.upstream import PEM, Upstream

#: Of a manifest whose layers are files of advisories, and of such a layer.
ARTIFACT = "application/vnd.orlop.advisories.v1"
LAYER = "application/vnd.orlop.advisories.file.v1"

_SCHEMES = ("https", "http", "file", "oci", "oci+http")
_SHORTEST = 15 * MINUTE
_HOST = re.compile(r"[a-z+]+://(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])", re.ASCII)
_USER = re.compile(r"https?://[^/?#]*@", re.ASCII)
_WEB = re.compile(
    r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?(?:[/?][!$-;=?-Z_a-z~]*)?", re.ASCII
)


class SourceWay(StrEnum):
    """How a source is reached."""

    WEB = "web"
    FOLDER = "folder"
    """A file or folder of the machine, below the folder that the configuration allows."""
    REGISTRY = "registry"
    """An artifact in another registry."""
    OWN = "own"
    """An artifact in this registry."""


class ArtifactPlace(msgspec.Struct, frozen=True):
    """Where an artifact lies. `origin`: scheme and host of its registry, empty for this one."""

    origin: str
    repository: RepositoryName
    reference: str


class AdvisoryFeed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where advisories are fetched from."""

    url: Annotated[
        str,
        Meta(
            min_length=5,
            max_length=2048,
            description="The URL of a file of the web; a file or folder at `file:/…`, below `advisories.folder`; an"
            " artifact at `oci://HOST/REPOSITORY:TAG`, or at `oci:REPOSITORY:TAG` in this registry.",
        ),
    ]
    every: Annotated[
        str, Meta(max_length=8, description="How often it is asked, such as `30m`, `6h`, `1d`; 15m at least. [6h]")
    ] = "6h"
    late: Annotated[
        str, Meta(max_length=8, description="How long without an update it takes for somebody to be told. [3d]")
    ] = "3d"
    prune: Annotated[
        bool,
        Meta(description="Forget advisories of it that are gone from it; others stay until they are withdrawn. [no]"),
    ] = False
    user: Annotated[str, Meta(max_length=255, description="Whom to sign in as; empty: nobody.")] = ""
    password: Annotated[
        str, Meta(max_length=65_536, description="The password or token of that account; or where it is kept.")
    ] = ""
    key: Annotated[
        str,
        Meta(
            max_length=16_384,
            description="PEM: the public key that an artifact has to be signed by, as `cosign sign --key` does.",
            extra_json_schema=PEM,
        ),
    ] = ""

    def __post_init__(self) -> None:
        scheme = self.url.partition(":")[0]
        if scheme not in _SCHEMES:
            raise ValueError("url: write https://…, file:/…, oci://HOST/REPOSITORY:TAG or oci:REPOSITORY:TAG")
        if self.way is SourceWay.WEB:
            _check_web(self.url)
        elif self.way is SourceWay.FOLDER:
            if not self.path.startswith("/") or "\0" in self.path or ".." in self.path.split("/"):
                raise ValueError("url: a file is written as file:/srv/advisories/all.zip")
        else:
            _ = self.artifact
        if bool(self.user) != bool(self.password):
            raise ValueError("user and password go together")
        if self.user and self.way in (SourceWay.FOLDER, SourceWay.OWN):
            raise ValueError("user and password are for what is fetched from elsewhere")
        if self.user and self.scheme in ("http", "oci+http") and not is_loopback_host(_host(self.url)):
            raise ValueError("credentials are sent over https alone, or to this machine")
        if self.key and self.way not in (SourceWay.REGISTRY, SourceWay.OWN):
            raise ValueError("key: it is artifacts that are signed; write an oci: url")
        if self.interval < _SHORTEST:
            raise ValueError("every: 15m or more")
        if self.limit < self.interval:
            raise ValueError("late: it cannot be less than every")

    @property
    def scheme(self) -> str:
        """`https`, `http`, `file`, `oci` or `oci+http`."""
        return self.url.partition(":")[0]

    @property
    def way(self) -> SourceWay:
        """How it is reached."""
        if self.scheme in ("https", "http"):
            return SourceWay.WEB
        if self.scheme == "file":
            return SourceWay.FOLDER
        return SourceWay.REGISTRY if self.url.partition(":")[2].startswith("//") else SourceWay.OWN

    @property
    def path(self) -> str:
        """Of a file or folder."""
        rest = self.url.partition(":")[2]
        return rest.removeprefix("//") if rest.startswith("///") else rest

    @property
    def artifact(self) -> ArtifactPlace:
        """Of an artifact. Raises ValueError."""
        rest = self.url.partition(":")[2]
        origin = ""
        if rest.startswith("//"):
            host, _, rest = rest[2:].partition("/")
            origin = f"{'http' if self.scheme == 'oci+http' else 'https'}://{host}"
        elif self.scheme != "oci":
            raise ValueError("url: write oci:REPOSITORY:TAG for an artifact in this registry")
        name, separator, reference = rest.partition("@") if "@" in rest else rest.partition(":")
        try:
            place = ArtifactPlace(origin, RepositoryName(name), reference or "latest")
            parse_reference(place.reference)
            if origin:
                Upstream(url=origin)
        except RegistryError as error:
            raise ValueError(f"url: {error.message}") from error
        if separator and not reference:
            raise ValueError("url: name a tag or a digest")
        return place

    @property
    def interval(self) -> int:
        """`every` in microseconds."""
        return _time("every", self.every)

    @property
    def limit(self) -> int:
        """`late` in microseconds."""
        return _time("late", self.late)

    @property
    def origin(self) -> str:
        """The address as it is told: without a query, in which there may be a secret."""
        return self.url.partition("?")[0]


def _check_web(url: str) -> None:
    if _USER.match(url):
        raise ValueError("url: whom to sign in as is said by user and password")
    found = _WEB.fullmatch(url)
    if found is None or not 0 < int(found["port"] or 1) < 65_536:
        raise ValueError("url: write it as in https://example.org/advisories/all.zip")


def _host(url: str) -> str:
    found = _HOST.match(url)
    return found["host"].strip("[]") if found else ""


def _time(field: str, text: str) -> int:
    try:
        return span(text)
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from error


def _lends(before: AdvisoryFeed | None, after: AdvisoryFeed) -> Mapping[str, frozenset[Action]]:
    """Whoever sets one has everybody read advisories out of a repository of this registry."""
    if after.way is not SourceWay.OWN or (before is not None and before.url == after.url):
        return {}
    return {after.artifact.repository: frozenset({Action.PULL})}


#: Sources as settings: they send the registry to addresses, and decide what is told of every image.
ADVISORY_SOURCES = SettingKind(
    kind="advisory-source",
    plural="advisory-sources",
    text="Sources of advisories: where they are fetched from, how often, and who has to have signed them.",
    body=AdvisoryFeed,
    speaks_for=nobody,
    placed=False,
    read=Action.SYSTEM,
    change=Action.SYSTEM,
    secrets=frozenset({"password"}),
    destination=lambda body: body.url,
    lends=_lends,
    most=64,
)
