"""Finds out for which platform an image is: its config says so, and lists tell it without reading that again."""

from orlop.domain.access.subjects import SYSTEM, Caller
from orlop.domain.descriptor import Platform
from orlop.domain.errors import ContentCorrupt, RegistryError, RequestInvalid
from orlop.domain.image_config import parse_config
from orlop.domain.manifest import EdgeKind, Manifest
from orlop.domain.names import RepositoryName
from orlop.domain.platforms import is_real, parse_platform
from orlop.domain.ranges import Span
from orlop.services.content.blobs import Blobs
from orlop.services.content.inspection import CONFIG_BYTES, config_object


async def platform_of(blobs: Blobs, repository: RepositoryName, manifest: Manifest) -> Platform | None:
    """The platform that the config of an image names; None where it names none, or cannot be read."""
    edge = next((edge for edge in manifest.edges if edge.kind is EdgeKind.CONFIG), None)
    if edge is None or edge.size > CONFIG_BYTES:
        return None
    try:
        found = await blobs.find(repository, edge.digest, Caller(SYSTEM))
        content = await blobs.open(found.blob)
    except RegistryError:
        return None
    try:
        document = await config_object(b"".join([piece async for piece in content.chunks(Span(0, found.blob.size))]))
        platform = parse_platform(parse_config(document or {}, 0).platform)
    except ContentCorrupt as corrupt:
        await blobs.damaged(found.blob, corrupt)
        return None
    except RequestInvalid:
        return None
    finally:
        content.close()
    return platform if is_real(platform) else None
