"""What images say of themselves, which gates go by when nothing else is known of them yet."""

import asyncio

import msgspec

from orlop.domain.access.subjects import SYSTEM, Caller
from orlop.domain.digest import Digest
from orlop.domain.errors import BlobUnknown, ContentCorrupt, ManifestInvalid
from orlop.domain.gates.conditions import ImageFacts
from orlop.domain.image_config import ImageConfig, base_of, parse_config
from orlop.domain.manifest import EdgeKind, Manifest, parse_manifest
from orlop.domain.names import RepositoryName
from orlop.domain.ranges import Span
from orlop.ports.catalog import StoredManifest
from orlop.services.content.blobs import Blobs
from orlop.services.upstreams.ages import moment
from orlop.services.upstreams.shown import Upstreams

#: Larger configs are of no image.
_CONFIG = 8 * 1024 * 1024
#: Layers that are named where an image is pushed before what it is made of.
_LAYERS = 1_000


class SaidOfImages:
    """See the module."""

    def __init__(self, blobs: Blobs, upstreams: Upstreams) -> None:
        self._blobs = blobs
        self._upstreams = upstreams

    async def of(self, repository: RepositoryName, parsed: Manifest) -> ImageFacts:
        """What an image says of itself; what cannot be read says nothing."""
        size = sum(edge.size for edge in parsed.edges if edge.kind is EdgeKind.LAYER)
        showing = await self._upstreams.of(repository)
        registry = showing.upstream.host if showing is not None else ""
        config = await self._config(repository, parsed)
        base = base_of(parsed.annotations, config)
        if config is None:
            return ImageFacts(registry=registry, size=size)
        return ImageFacts(
            platform=config.platform,
            user=config.user,
            labels=config.labels,
            base=base.name if base is not None else "",
            registry=registry,
            size=size,
            created_at=moment(config.created) or 0,
        )

    async def missing(self, repository: RepositoryName, parsed: Manifest) -> list[Digest]:
        """What a manifest names and its repository lacks, where the config is among it: then it says nothing yet."""
        edges = [edge for edge in parsed.edges if edge.kind in {EdgeKind.CONFIG, EdgeKind.LAYER} and not edge.foreign]
        wanted = [edge for edge in edges if edge.kind is EdgeKind.CONFIG]
        if not wanted or await self._holds(repository, wanted[0].digest):
            return []
        rest = dict.fromkeys(edge.digest for edge in edges if edge.kind is EdgeKind.LAYER)
        lacking = [digest for digest in list(rest)[:_LAYERS] if not await self._holds(repository, digest)]
        return [wanted[0].digest, *lacking]

    async def _holds(self, repository: RepositoryName, digest: Digest) -> bool:
        try:
            await self._blobs.find(repository, digest, Caller(SYSTEM))
        except BlobUnknown:
            return False
        return True

    async def _config(self, repository: RepositoryName, parsed: Manifest) -> ImageConfig | None:
        edge = next((edge for edge in parsed.edges if edge.kind is EdgeKind.CONFIG), None)
        if edge is None or edge.size > _CONFIG:
            return None
        try:
            found = await self._blobs.find(repository, edge.digest, Caller(SYSTEM))
            content = await self._blobs.open(found.blob)
        except BlobUnknown:
            return None
        try:
            read_ = b"".join([bytes(piece) async for piece in content.chunks(Span(0, found.blob.size))])
        except ContentCorrupt:
            return None
        finally:
            content.close()
        layers = sum(edge.kind is EdgeKind.LAYER for edge in parsed.edges)
        return await asyncio.to_thread(_parsed_config, read_, layers)


def read(manifest: StoredManifest) -> Manifest | None:
    """The manifest; None for what an earlier release let in, and is none."""
    try:
        return parse_manifest(manifest.content, manifest.media_type)
    except ManifestInvalid:
        return None


def _parsed_config(content: bytes, layers: int) -> ImageConfig | None:
    try:
        document = msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return parse_config(document, layers) if isinstance(document, dict) else None
