"""Bytes to a manifest and its outgoing edges. Fetches nothing: whether the edges lead anywhere is for the catalog."""

import json
from enum import StrEnum
from typing import Any, NoReturn

import msgspec

from orlop.domain import media_types
from orlop.domain.descriptor import Descriptor, Platform
from orlop.domain.digest import Digest
from orlop.domain.errors import DigestInvalid, ManifestInvalid

#: "Client and registry implementations SHOULD expect to be able to support manifest pushes of at least 4 megabytes"
#: (distribution-spec, "Pushing Manifests").
MAX_BYTES = 4 * 1024 * 1024

#: More references than any real image has; each is a row, so this bounds the transaction of one push.
MAX_REFERENCES = 10_000

#: The largest size that a signed 64-bit integer, so every database, holds.
MAX_SIZE = 2**63 - 1


class EdgeKind(StrEnum):
    """What a manifest says of the content it names."""

    CONFIG = "config"
    LAYER = "layer"
    MANIFEST = "manifest"
    BLOB = "blob"
    """An entry of an index that is not a manifest, as build caches write them."""


class Edge(msgspec.Struct, frozen=True):
    """One reference from a manifest to content in the same repository."""

    kind: EdgeKind
    digest: Digest
    size: int
    media_type: str
    foreign: bool = False
    """The registry may never have held it: a non-distributable layer."""


class Manifest(msgspec.Struct, frozen=True):
    """What the registry reads out of a manifest; the bytes themselves are kept as they came."""

    media_type: str
    artifact_type: str
    """As a referrers list shows it: "If the artifactType is empty or missing in the image manifest, the value of
    artifactType MUST be set to the config descriptor mediaType value" (distribution-spec, "Listing Referrers")."""
    edges: tuple[Edge, ...]
    subject: Digest | None
    annotations: dict[str, str]

    @property
    def is_index(self) -> bool:
        """Whether it names manifests rather than a config and layers."""
        return self.media_type in media_types.INDEXES

    @property
    def content_size(self) -> int:
        """Bytes of everything it names directly, foreign layers apart; content named twice counts once."""
        return sum({edge.digest: edge.size for edge in self.edges if not edge.foreign}.values())


class _Reference(msgspec.Struct, rename="camel"):
    media_type: str
    digest: str
    size: int
    annotations: dict[str, str] | None = None
    artifact_type: str | None = None
    platform: dict[str, Any] | None = None
    urls: list[str] | None = None
    data: str | None = None


class _Document(msgspec.Struct, rename="camel"):
    schema_version: int
    media_type: str | None = None
    artifact_type: str | None = None
    config: _Reference | None = None
    layers: list[_Reference] | msgspec.UnsetType | None = msgspec.UNSET
    manifests: list[_Reference] | msgspec.UnsetType | None = msgspec.UNSET
    subject: _Reference | None = None
    annotations: dict[str, str] | None = None


_decoder = msgspec.json.Decoder(_Document)


def parse_manifest(content: bytes, content_type: str) -> Manifest:
    """Read a manifest that was pushed as `content_type` (parameters are ignored).

    Raises ManifestInvalid for anything that is not JSON of the right shape, that could be read in two ways
    (duplicate keys, both `layers` and `manifests`: CVE-2021-41190), or whose mediaType differs from the Content-Type.
    """
    document = _decode(content)
    if document.schema_version != 2:
        _refuse("only schemaVersion 2 is supported")
    has_layers = document.layers is not msgspec.UNSET or document.config is not None
    has_manifests = document.manifests is not msgspec.UNSET
    if has_layers and has_manifests:
        _refuse("a manifest has either a config and layers or manifests, not both")
    media_type = _media_type(document, media_types.essence(content_type), has_manifests=has_manifests)
    if media_type in media_types.INDEXES:
        if has_layers:
            _refuse(f"{media_type} names manifests, this document a config or layers")
        edges = [_child(f"manifests[{i}]", entry) for i, entry in enumerate(document.manifests or ())]
    else:
        if has_manifests:
            _refuse(f"{media_type} names a config and layers, this document manifests")
        if document.config is None:
            _refuse("the config descriptor is missing")
        edges = [_edge("config", document.config, EdgeKind.CONFIG)]
        edges += [_edge(f"layers[{i}]", entry, EdgeKind.LAYER) for i, entry in enumerate(document.layers or ())]
    if len(edges) > MAX_REFERENCES:
        _refuse(f"{len(edges)} references are more than the {MAX_REFERENCES} that one manifest may have")
    artifact_type = document.artifact_type or (document.config.media_type if document.config else "")
    if "\0" in artifact_type or any("\0" in edge.media_type for edge in edges):
        _refuse("a media type contains a NUL character")  # and PostgreSQL takes none in a text
    return Manifest(
        media_type=media_type,
        artifact_type=artifact_type,
        edges=tuple(edges),
        subject=_subject(document.subject) if document.subject else None,
        annotations=document.annotations or {},
    )


def parse_index_entries(content: bytes) -> list[Descriptor]:
    """The descriptors of a stored index, as a client wrote them; ManifestInvalid if it is none."""
    return [_descriptor(entry) for entry in _decode(content).manifests or ()]


def parse_layers(content: bytes) -> list[Descriptor]:
    """The descriptors of the layers of a stored manifest, as a client wrote them; an index has none. ManifestInvalid as
    `parse_manifest`."""
    layers = _decode(content).layers
    return [_descriptor(entry) for entry in ([] if layers is msgspec.UNSET else layers or ())]


def parse_layer_paths(content: bytes) -> dict[int, str]:
    """The files that the layers of an artifact are, by the number of the layer, where it says so: ModelPack's own
    annotation, or the title (image-spec, annotations.md). ManifestInvalid as `parse_manifest`."""
    found = {}
    for number, layer in enumerate(parse_layers(content)):
        said = layer.annotations
        if path := said.get("org.cncf.model.filepath") or said.get("org.opencontainers.image.title"):
            found[number] = path
    return found


def parse_referrers(content: bytes, media_type: str, digest: Digest, subject: Digest) -> list[Descriptor]:
    """What is listed as referring to `subject` in what was found where such a list may be; nothing where it is none.

    A list is an OCI index (distribution-spec, "Referrers Tag Schema"). Instead of it there may be the subject itself,
    whose digest the fallback tag resembles, or another index of images: an entry that says what it runs on, and no
    type of artifact, refers to nothing. Raises ManifestInvalid for what cannot be read.
    """
    if media_type != media_types.OCI_INDEX or digest == subject:
        return []
    return [entry for entry in parse_index_entries(content) if entry.artifact_type or entry.platform is None]


def _decode(content: bytes) -> _Document:
    if len(content) > MAX_BYTES:
        _refuse(f"a manifest has at most {MAX_BYTES} bytes")
    try:
        json.loads(content, object_pairs_hook=_unique, parse_constant=_no_constant)
        return _decoder.decode(content)
    except RecursionError as cause:
        raise ManifestInvalid("the manifest is nested too deeply") from cause
    except (ValueError, msgspec.MsgspecError) as cause:
        raise ManifestInvalid(f"the manifest cannot be read: {cause}") from cause


def _unique(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key stands twice in one object")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _media_type(document: _Document, announced: str, *, has_manifests: bool) -> str:
    declared = document.media_type or ""
    if announced in ("", "application/json", "application/octet-stream"):
        announced = ""
    if declared and announced and declared != announced:
        _refuse(f"the Content-Type is {announced[:160]!r}, but the manifest says mediaType {declared[:160]!r}")
    media_type = declared or announced or (media_types.OCI_INDEX if has_manifests else media_types.OCI_MANIFEST)
    if media_type in media_types.DOCKER_SCHEMA1:
        _refuse("Docker schema 1 manifests are not supported; push with a client of this decade")
    if media_type not in media_types.MANIFESTS:
        _refuse(
            f"{media_type[:160]!r} is not a manifest media type; artifacts are pushed as {media_types.OCI_MANIFEST}"
        )
    return media_type


def _edge(where: str, entry: _Reference, kind: EdgeKind) -> Edge:
    _check_size(where, entry)
    return Edge(
        kind=kind,
        digest=_digest(where, entry.digest),
        size=entry.size,
        media_type=entry.media_type,
        foreign=kind is EdgeKind.LAYER and media_types.is_foreign_layer(entry.media_type),
    )


def _child(where: str, entry: _Reference) -> Edge:
    known = entry.media_type in media_types.MANIFESTS
    return _edge(where, entry, EdgeKind.MANIFEST if known else EdgeKind.BLOB)


def _subject(entry: _Reference) -> Digest:
    _check_size("subject", entry)
    return _digest("subject", entry.digest)


def _check_size(where: str, entry: _Reference) -> None:
    if not 0 <= entry.size <= MAX_SIZE:
        _refuse(f"{where}.size is not a number of bytes that content can have")


def _digest(where: str, text: str) -> Digest:
    try:
        return Digest(text)
    except DigestInvalid as cause:
        raise ManifestInvalid(f"{where}.digest: {cause.message}", {"digest": text[:160]}) from cause


def _descriptor(entry: _Reference) -> Descriptor:
    try:
        platform = msgspec.convert(entry.platform, Platform) if entry.platform else None
    except msgspec.ValidationError:
        platform = None  # shown in lists only: an odd platform hides itself, not the entry
    return Descriptor(
        media_type=entry.media_type,
        digest=entry.digest,
        size=entry.size,
        annotations=entry.annotations or {},
        artifact_type=entry.artifact_type or "",
        platform=platform,
        urls=tuple(entry.urls or ()),
        data=entry.data or "",
    )


def _refuse(message: str) -> NoReturn:
    raise ManifestInvalid(message)
