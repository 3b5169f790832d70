"""How old an image is by its own word: what there is to go by for a tag that nobody asked for before."""

import re
from calendar import timegm

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.durations import SECOND
from orlop.domain.errors import ManifestInvalid
from orlop.domain.manifest import EdgeKind, parse_manifest
from orlop.ports.upstream import ContentReader, ManifestReader

#: How much of a config is read, in bytes; larger ones are of no image.
_CONFIG = 1024 * 1024
#: RFC 3339, as far as it matters here: "the date and time at which the image was created" (image-spec, "Config").
_CREATED = re.compile(
    r"([0-9]{4})-(0[1-9]|1[0-2])-([0-3][0-9])T([0-2][0-9]):([0-5][0-9]):([0-6][0-9])(?:\.[0-9]+)?"
    r"(?:Z|([+-])([0-2][0-9]):([0-5][0-9]))",
    re.ASCII,
)
#: "date and time on which the image was built" (image-spec, "Annotations").
_ANNOTATION = "org.opencontainers.image.created"
#: How deep indexes are followed.
_DEPTH = 3


class _Config(msgspec.Struct):
    created: str = ""


async def made_at(content: ManifestReader, blobs: ContentReader, digest: Digest) -> int | None:
    """When an image says that it was made, in microseconds since 1970; of an index, its first one. None: it does not
    say. Raises what reading does."""
    for _ in range(_DEPTH):
        manifest = await content.fetch(digest)
        try:
            parsed = parse_manifest(manifest.content, manifest.media_type)
        except ManifestInvalid:
            return None
        if _ANNOTATION in parsed.annotations:
            return moment(parsed.annotations[_ANNOTATION])
        child = next((edge for edge in parsed.edges if edge.kind is EdgeKind.MANIFEST), None)
        if child is not None:
            digest = child.digest
            continue
        config = next((edge for edge in parsed.edges if edge.kind is EdgeKind.CONFIG), None)
        if config is None or config.size > _CONFIG:
            return None
        read = b"".join([piece async for piece in blobs.read_blob(config.digest, config.size)])
        try:
            return moment(msgspec.json.decode(read, type=_Config).created)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
    return None


def moment(text: str) -> int | None:
    """Microseconds since 1970 of a moment as RFC 3339 has it; None for what is none."""
    found = _CREATED.match(text)
    if found is None:
        return None
    offset = (int(found[8]) * 60 + int(found[9])) * 60 if found[8] else 0
    seconds = timegm((*(int(found[group]) for group in range(1, 7)), 0, 0, 0))
    return (seconds - (offset if found[7] != "-" else -offset)) * SECOND
