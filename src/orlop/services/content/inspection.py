"""What is known of an image without pulling it: manifests, configs, platforms, sizes, and what refers to it."""

import asyncio
from typing import Any

import msgspec

from orlop.domain import media_types
from orlop.domain.artifacts import CHART_CONFIG, IMAGE_CONFIGS, MODEL_CONFIG, attested, is_platform, kind_of
from orlop.domain.content_kinds import ContentKind
from orlop.domain.descriptor import Descriptor
from orlop.domain.digest import Digest
from orlop.domain.errors import BlobUnknown, Denied, ManifestUnknown, Unauthorized, Unsupported
from orlop.domain.image_config import BaseImage, ImageConfig, base_of, parse_config
from orlop.domain.manifest import EdgeKind, Manifest, parse_index_entries, parse_layer_paths, parse_manifest
from orlop.ports.upstream import ContentSource, ManifestContent
from orlop.services.content.referrer_tree import LISTED as LISTED
from orlop.services.content.referrer_tree import Referrer as Referrer
from orlop.services.content.referrer_tree import referrer_tree

#: Larger configs are not read.
CONFIG_BYTES = 8 * 1024 * 1024
#: Bytes of manifests that are read for the entries of one index: of those beyond, nothing is known but what it says.
CHILDREN_BYTES = 8 * 1024 * 1024
#: Blobs that are asked for at the same time.
_ASKED = 8

#: Larger manifests and configs are read in a thread, in bytes: they would hold up the event loop for milliseconds.
_INLINE = 128 * 1024

#: Of images, of charts and of models.
_CONFIGS = IMAGE_CONFIGS | {CHART_CONFIG, MODEL_CONFIG}


class PlatformImage(msgspec.Struct, frozen=True, rename="camel"):
    """One entry of an index. `size` counts its config and layers in bytes; None if the source does not hold it.
    `attests`: the entry that this one attests; it is for no platform then. `runs`: whether it is for a platform.
    `read`: False for one that was not looked at, as those before it were large; its size is None then."""

    platform: str
    digest: str
    media_type: str
    size: int | None
    attests: str | None = None
    runs: bool = True
    read: bool = True


class Layer(msgspec.Struct, frozen=True, rename="camel"):
    """A layer as the manifest names it. `command`: what made it, where the history of the config fits the layers.
    `path`: the file that it is, as artifacts say it."""

    digest: str
    media_type: str
    size: int
    command: str | None = None
    path: str = ""


class Missing(msgspec.Struct, frozen=True, rename="camel"):
    """What the manifest names and its registry does not give, as a damaged blob until it is pushed again."""

    digest: str
    size: int


class Inspection(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An image or artifact, its content named but not read. Sizes are in bytes."""

    digest: str
    media_type: str
    artifact_type: str = ""
    kind: ContentKind = ContentKind.OTHER
    manifest: msgspec.Raw
    """As it is in the store, byte for byte."""
    platforms: list[PlatformImage] = []
    config: dict[str, Any] | None = None
    """Of an image, a chart or a model."""
    layers: list[Layer] = []
    missing: list[Missing] = []
    content_size: int = 0
    """Of everything below, each content counted once."""
    subject: str | None = None
    annotations: dict[str, str] = {}
    base: BaseImage | None = None
    referrers: list[Referrer] = []
    truncated: bool = False
    """There are more entries or referrers than the `LISTED` of each."""

    @property
    def unread(self) -> int:
        """Entries that were not looked at; their content is not in `content_size`."""
        return sum(not entry.read for entry in self.platforms)

    @property
    def image_config(self) -> ImageConfig | None:
        """The config as that of an image; None for what is none."""
        if self.config is None or self.kind is not ContentKind.IMAGE:
            return None
        return parse_config(self.config, len(self.layers))


async def inspect(source: ContentSource, reference: str, *, alone: bool = False) -> Inspection:
    """Look at what `reference` names. `alone`: neither at what refers to it, nor whether its blobs are there.

    Raises what the source raises.
    """
    content = await source.fetch(reference)
    manifest = await _parsed(content)
    sizes: dict[Digest, int] = {edge.digest: edge.size for edge in manifest.edges if edge.kind is not EdgeKind.MANIFEST}
    platforms = await _platforms(source, content, sizes) if manifest.is_index else []
    referrers, more_referrers = ([], False) if alone else await referrer_tree(source, content.digest)
    missing = [] if alone else await _missing(source, manifest)
    config = await _config(source, manifest, {entry.digest for entry in missing})
    layers = [edge for edge in manifest.edges if edge.kind is EdgeKind.LAYER]
    kind = kind_of(manifest)
    paths = {} if kind in {ContentKind.IMAGE, ContentKind.INDEX} else parse_layer_paths(content.content)
    read = parse_config(config, len(layers)) if config is not None and kind is ContentKind.IMAGE else None
    made = {step.layer: step.command for step in read.history} if read is not None else {}
    return Inspection(
        digest=str(content.digest),
        media_type=content.media_type,
        artifact_type="" if manifest.is_index else manifest.artifact_type,
        kind=kind,
        manifest=msgspec.Raw(content.content),
        platforms=platforms,
        config=config,
        layers=[
            Layer(str(edge.digest), edge.media_type, edge.size, made.get(number), paths.get(number, ""))
            for number, edge in enumerate(layers)
        ],
        missing=missing,
        content_size=sum(sizes.values()),
        subject=str(manifest.subject) if manifest.subject else None,
        annotations=manifest.annotations,
        base=base_of(manifest.annotations, read),
        referrers=referrers,
        truncated=(manifest.is_index and len(manifest.edges) > LISTED) or more_referrers,
    )


async def _parsed(content: ManifestContent) -> Manifest:
    if len(content.content) <= _INLINE:
        return parse_manifest(content.content, content.media_type)
    return await asyncio.to_thread(parse_manifest, content.content, content.media_type)


async def _platforms(source: ContentSource, index: ManifestContent, sizes: dict[Digest, int]) -> list[PlatformImage]:
    images = []
    known: dict[Digest, int | None] = {}  # an index may name one manifest again and again
    left = CHILDREN_BYTES
    for entry in parse_index_entries(index.content)[:LISTED]:
        if entry.media_type in media_types.MANIFESTS:
            if entry.content_digest not in known and entry.size <= left:
                known[entry.content_digest], taken = await _child_size(source, entry, sizes)
                left -= max(taken, entry.size)
            size = known.get(entry.content_digest)
            platform = str(entry.platform) if entry.platform else "unknown"
            of = attested(entry)
            images.append(
                PlatformImage(
                    platform,
                    entry.digest,
                    entry.media_type,
                    size,
                    str(of) if of else None,
                    is_platform(entry),
                    read=entry.content_digest in known,
                )
            )
    return images


async def _child_size(source: ContentSource, entry: Descriptor, sizes: dict[Digest, int]) -> tuple[int | None, int]:
    """The size of what an entry leads to, None where it is not held; and how many bytes were read for it."""
    try:
        child = await source.fetch(entry.content_digest)
    except ManifestUnknown:
        return None, 0
    manifest = await _parsed(child)
    sizes.update({edge.digest: edge.size for edge in manifest.edges if edge.kind is not EdgeKind.MANIFEST})
    return manifest.content_size, len(child.content)


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
    """The config of an image, chart or model; None for others, and for a config that is not a JSON object."""
    edge = next((edge for edge in manifest.edges if edge.kind is EdgeKind.CONFIG), None)
    if edge is None or edge.media_type not in _CONFIGS or edge.size > CONFIG_BYTES or edge.digest in missing:
        return None
    try:
        content = b"".join([piece async for piece in source.read_blob(edge.digest, edge.size)])
    except BlobUnknown:
        return None  # it went meanwhile, or rots
    return await config_object(content)


async def config_object(content: bytes) -> dict[str, Any] | None:
    """A config as a JSON object; None for what is none."""
    if len(content) <= _INLINE:
        return _object(content)
    return await asyncio.to_thread(_object, content)


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
