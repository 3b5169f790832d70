"""What is known of an image without pulling it: manifests, configs, platforms, sizes, and what refers to it."""

import asyncio
from typing import Any

import msgspec

from orlop.domain import media_types
from orlop.domain.descriptor import Descriptor
from orlop.domain.digest import Digest
from orlop.domain.errors import Denied, ManifestUnknown, Unauthorized, Unsupported
from orlop.domain.manifest import EdgeKind, Manifest, parse_index_entries, parse_manifest
from orlop.ports.upstream import ContentSource, ManifestContent

#: Larger configs are not read.
_CONFIG_BYTES = 8 * 1024 * 1024
#: Entries of an index that are looked into, and referrers that are listed.
LISTED = 256
#: Blobs that are asked for at the same time.
_ASKED = 8

_CONFIGS = frozenset({media_types.OCI_CONFIG, "application/vnd.docker.container.image.v1+json"})


class PlatformImage(msgspec.Struct, frozen=True, rename="camel"):
    """One entry of an index. `size` counts its config and layers in bytes; None if the source does not hold it."""

    platform: str
    digest: str
    media_type: str
    size: int | None


class Layer(msgspec.Struct, frozen=True, rename="camel"):
    """A layer as the manifest names it."""

    digest: str
    media_type: str
    size: int


class Missing(msgspec.Struct, frozen=True, rename="camel"):
    """What the manifest names and its registry does not give, as a damaged blob until it is pushed again."""

    digest: str
    size: int


class Referrer(msgspec.Struct, frozen=True, rename="camel"):
    """A manifest whose subject is the one inspected."""

    digest: str
    artifact_type: str
    size: int


class Inspection(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An image or artifact, its content named but not read. Sizes are in bytes."""

    digest: str
    media_type: str
    artifact_type: str = ""
    manifest: msgspec.Raw
    """As it is in the store, byte for byte."""
    platforms: list[PlatformImage] = []
    config: dict[str, Any] | None = None
    layers: list[Layer] = []
    missing: list[Missing] = []
    content_size: int = 0
    """Of everything below, each content counted once."""
    subject: str | None = None
    annotations: dict[str, str] = {}
    referrers: list[Referrer] = []
    truncated: bool = False
    """There are more entries or referrers than the `LISTED` of each."""


async def inspect(source: ContentSource, reference: str) -> Inspection:
    """Look at what `reference` names. Raises what the source raises."""
    content = await source.fetch(reference)
    manifest = parse_manifest(content.content, content.media_type)
    sizes: dict[Digest, int] = {edge.digest: edge.size for edge in manifest.edges if edge.kind is not EdgeKind.MANIFEST}
    platforms = await _platforms(source, content, sizes) if manifest.is_index else []
    referrers = await _referrers(source, content.digest)
    missing = await _missing(source, manifest)
    return Inspection(
        digest=str(content.digest),
        media_type=content.media_type,
        artifact_type="" if manifest.is_index else manifest.artifact_type,
        manifest=msgspec.Raw(content.content),
        platforms=platforms,
        config=await _config(source, manifest, {entry.digest for entry in missing}),
        layers=[
            Layer(str(edge.digest), edge.media_type, edge.size)
            for edge in manifest.edges
            if edge.kind is EdgeKind.LAYER
        ],
        missing=missing,
        content_size=sum(sizes.values()),
        subject=str(manifest.subject) if manifest.subject else None,
        annotations=manifest.annotations,
        referrers=referrers[:LISTED],
        truncated=(manifest.is_index and len(manifest.edges) > LISTED) or len(referrers) > LISTED,
    )


async def _platforms(source: ContentSource, index: ManifestContent, sizes: dict[Digest, int]) -> list[PlatformImage]:
    images = []
    for entry in parse_index_entries(index.content)[:LISTED]:
        if entry.media_type in media_types.MANIFESTS:
            size = await _child_size(source, entry, sizes)
            platform = str(entry.platform) if entry.platform else "unknown"
            images.append(PlatformImage(platform, entry.digest, entry.media_type, size))
    return images


async def _child_size(source: ContentSource, entry: Descriptor, sizes: dict[Digest, int]) -> int | None:
    try:
        child = await source.fetch(entry.content_digest)
    except ManifestUnknown:
        return None
    manifest = parse_manifest(child.content, child.media_type)
    sizes.update({edge.digest: edge.size for edge in manifest.edges if edge.kind is not EdgeKind.MANIFEST})
    return manifest.content_size


async def _missing(source: ContentSource, manifest: Manifest) -> list[Missing]:
    """Of the config and the layers those that are not there; a few are asked for at a time."""
    edges = {edge.digest: edge for edge in manifest.edges if edge.kind is not EdgeKind.MANIFEST and not edge.foreign}
    wanted = list(edges.values())[:LISTED]
    found = []
    for start in range(0, len(wanted), _ASKED):
        asked = wanted[start : start + _ASKED]
        there = await asyncio.gather(*(_is_there(source, edge.digest) for edge in asked))
        found += [
            Missing(str(edge.digest), edge.size) for edge, is_there in zip(asked, there, strict=True) if not is_there
        ]
    return found


async def _is_there(source: ContentSource, digest: Digest) -> bool:
    try:
        return await source.stat_blob(digest) is not None
    except (Unauthorized, Denied, Unsupported):  # it does not say
        return True


async def _config(source: ContentSource, manifest: Manifest, missing: set[str]) -> dict[str, Any] | None:
    """The config of an image; None for artifacts, and for a config that is not a JSON object."""
    edge = next((edge for edge in manifest.edges if edge.kind is EdgeKind.CONFIG), None)
    if edge is None or edge.media_type not in _CONFIGS or edge.size > _CONFIG_BYTES or edge.digest in missing:
        return None
    content = b"".join([piece async for piece in source.read_blob(edge.digest, edge.size)])
    try:
        return msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


async def _referrers(source: ContentSource, digest: Digest) -> list[Referrer]:
    """One more than are listed, if there is one more."""
    found: list[Referrer] = []
    async for entry in source.referrers(digest):
        if len(found) > LISTED:
            break
        found.append(Referrer(entry.digest, entry.artifact_type, entry.size))
    return found
