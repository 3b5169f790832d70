"""The content that every server holds: manifests that differ in every tag, a few blobs, and one image of 200 MB.

All of it follows from numbers, so that a server's storage can be written, kept and used again.
"""

import hashlib
import json
import random
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
TAGS = tuple(f"v{number}" for number in range(5))

#: The repository that holds the blobs to be pulled, and the one with the image.
BLOBS = "bench/blobs"
IMAGE = "bench/image"

#: How many blobs there are of each size, in bytes.
BLOB_COUNTS = {16 << 10: 64, 1 << 20: 16, 256 << 20: 1}


class Piece(NamedTuple):
    """A blob."""

    digest: str
    content: bytes

    @property
    def hex(self) -> str:
        """The digest without its algorithm."""
        return self.digest.partition(":")[2]


def piece(content: bytes) -> Piece:
    """Bytes and their digest."""
    return Piece(f"sha256:{hashlib.sha256(content).hexdigest()}", content)


def repository(number: int) -> str:
    """The name of a repository of the crowd."""
    return f"team{number % 100}/app{number}"


def noise(size: int, seed: int) -> bytes:
    """Bytes that do not compress, the same for the same seed."""
    block = random.Random(seed).randbytes(min(size, 1 << 20))
    return b"".join(block[:-8] + number.to_bytes(8) for number in range(size // len(block)))


@cache
def config() -> Piece:
    """The one image configuration."""
    return piece(b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}')


@cache
def layers() -> tuple[Piece, ...]:
    """The layers that every repository of the crowd shares."""
    return tuple(piece(noise(16 << 10, seed)) for seed in range(4))


@cache
def blobs(size: int) -> tuple[Piece, ...]:
    """The blobs of one size, in the repository for blobs."""
    return tuple(piece(noise(size, size + seed)) for seed in range(BLOB_COUNTS[size]))


@cache
def image_layers() -> tuple[Piece, ...]:
    """The layers of the image: 200 MB together."""
    return tuple(piece(noise(40 << 20, 1_000 + seed)) for seed in range(5))


def manifest(pieces: tuple[Piece, ...], name: str, subject: Piece | None = None) -> Piece:
    """A manifest with these layers; `name` makes it differ from others."""
    document: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": config().digest, "size": len(config().content)},
        "layers": [{"mediaType": LAYER, "digest": each.digest, "size": len(each.content)} for each in pieces],
        "annotations": {"org.opencontainers.image.version": name},
    }
    if subject is not None:
        document["subject"] = {"mediaType": MANIFEST, "digest": subject.digest, "size": len(subject.content)}
    return piece(json.dumps(document, separators=(",", ":")).encode())


def crowd(repositories: int) -> Iterator[tuple[str, list[tuple[str, Piece]]]]:
    """Every repository of the crowd with its (tag, manifest) pairs."""
    for number in range(repositories):
        name = repository(number)
        yield name, [(tag, manifest(layers(), f"{number}-{tag}")) for tag in TAGS]
