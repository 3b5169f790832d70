"""Publishes files of advisories as an artifact of a registry: one layer for each file, the same bytes the same digest.

An isolated registry mirrors it like any image, and takes it in as a source with an `oci:` address.
"""

from collections.abc import AsyncGenerator, Sequence
from functools import partial
from typing import IO

import msgspec

from orlop.domain.digest import Digest, new_hash
from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.sources import ARTIFACT, LAYER
from orlop.domain.media_types import OCI_EMPTY, OCI_MANIFEST
from orlop.ports.upstream import ContentTarget, ManifestContent

_PIECE = 1024 * 1024
_EMPTY = b"{}"


class Published(msgspec.Struct, frozen=True):
    """The manifest, and its layers as they are named in it: digest and size by name."""

    digest: Digest
    layers: dict[str, tuple[Digest, int]]


async def publish(target: ContentTarget, tag: str, files: Sequence[tuple[str, IO[bytes]]]) -> Published:
    """Push files, by the names that they are to have, and point a tag at them. Raises RequestInvalid, and whatever the
    registry raises."""
    layers: dict[str, tuple[Digest, int]] = {}
    config = _digest_of([_EMPTY])
    await target.push_blob(config, len(_EMPTY), lambda _: _bytes(_EMPTY))
    for name, file in sorted(files, key=lambda each: each[0]):
        if name in layers:
            raise RequestInvalid(f"two files are called {name}")
        digest, size = _digest_and_size(file)
        layers[name] = digest, size
        await target.push_blob(digest, size, partial(_pieces, file))
    content = manifest_of(layers)
    digest = _digest_of([content])
    await target.put_manifest(ManifestContent(digest, OCI_MANIFEST, content), (tag,))
    return Published(digest, layers)


def manifest_of(layers: dict[str, tuple[Digest, int]]) -> bytes:
    """The manifest of an artifact with these layers: nothing in it hangs on when and where it is made (image-spec 1.1,
    "Guidelines for Artifact Usage")."""
    return msgspec.json.encode(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": ARTIFACT,
            "config": {"mediaType": OCI_EMPTY, "digest": str(_digest_of([_EMPTY])), "size": len(_EMPTY)},
            "layers": [
                {
                    "mediaType": LAYER,
                    "digest": str(digest),
                    "size": size,
                    "annotations": {"org.opencontainers.image.title": name},
                }
                for name, (digest, size) in layers.items()
            ],
        }
    )


def _digest_of(pieces: Sequence[bytes]) -> Digest:
    hashed = new_hash("sha256")
    for piece in pieces:
        hashed.update(piece)
    return Digest(f"sha256:{hashed.hexdigest()}")


def _digest_and_size(file: IO[bytes]) -> tuple[Digest, int]:
    hashed, size = new_hash("sha256"), 0
    file.seek(0)
    while piece := file.read(_PIECE):
        hashed.update(piece)
        size += len(piece)
    return Digest(f"sha256:{hashed.hexdigest()}"), size


async def _bytes(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content


async def _pieces(file: IO[bytes], offset: int) -> AsyncGenerator[bytes, None]:
    file.seek(offset)
    while piece := file.read(_PIECE):
        yield piece
