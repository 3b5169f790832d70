"""Content to push, as values with symbolic names: `image("app", layers=["base", "code"])`. Digests are computed.

The same name always means the same bytes, so two images that name the layer "base" share it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import msgspec

from orlop.domain import media_types
from orlop.domain.digest import Digest, digest_of
from orlop.domain.manifest import Manifest, parse_manifest

FOREIGN_LAYER = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"


class Piece(msgspec.Struct, frozen=True, dict=True):
    """Some bytes with a name and a media type: a blob, or the bytes of a manifest."""

    name: str
    media_type: str
    content: bytes
    algorithm: str = "sha256"

    @cached_property
    def digest(self) -> Digest:
        """Of the content."""
        return digest_of(self.content, self.algorithm)

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.content)

    def descriptor(self, **changes: Any) -> dict[str, Any]:
        """The descriptor of these bytes; `changes` are for telling lies in tests."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size} | changes


class Pushable(msgspec.Struct, frozen=True, dict=True):
    """A manifest with everything that has to be in the repository before it."""

    piece: Piece
    blobs: tuple[Piece, ...] = ()
    children: tuple["Pushable", ...] = ()

    @property
    def name(self) -> str:
        """What the test calls it."""
        return self.piece.name

    @property
    def digest(self) -> Digest:
        """Of the manifest."""
        return self.piece.digest

    @property
    def content(self) -> bytes:
        """The manifest's bytes."""
        return self.piece.content

    @property
    def size(self) -> int:
        """Of the manifest, in bytes."""
        return self.piece.size

    @property
    def media_type(self) -> str:
        """Of the manifest."""
        return self.piece.media_type

    @cached_property
    def manifest(self) -> Manifest:
        """The manifest as the registry reads it."""
        return parse_manifest(self.piece.content, self.piece.media_type)

    def everything(self) -> Iterator["Pushable"]:
        """Itself after all of its children: the order in which to push."""
        for child in self.children:
            yield from child.everything()
        yield self


def blob(name: str, size: int | None = None, *, media_type: str = media_types.OCI_LAYER) -> Piece:
    """The blob of that name; `size` bytes of it where a number is given."""
    line = f"{name}, line after line\n".encode()
    content = line if size is None else (line * (size // len(line) + 1))[:size]
    return Piece(name, media_type, content)


def config(name: str) -> Piece:
    """The config of an image."""
    text = json.dumps({"architecture": "amd64", "os": "linux", "author": name})
    return Piece(f"{name}.config", media_types.OCI_CONFIG, text.encode())


EMPTY = Piece("empty", media_types.OCI_EMPTY, b"{}")


def image(
    name: str,
    layers: Sequence[str | Piece] = ("base",),
    *,
    subject: Pushable | None = None,
    annotations: Mapping[str, str] | None = None,
    foreign: Sequence[str] = (),
) -> Pushable:
    """An image of a config of its own and `layers`; those named in `foreign` come last and are not to be pushed."""
    pieces = [blob(layer) if isinstance(layer, str) else layer for layer in layers]
    absent = [blob(layer, media_type=FOREIGN_LAYER) for layer in foreign]
    own = config(name)
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_MANIFEST,
        "config": own.descriptor(),
        "layers": [piece.descriptor() for piece in (*pieces, *absent)],
    }
    return Pushable(_manifest(name, document, subject, annotations), tuple(dict.fromkeys((own, *pieces))))


def artifact(
    name: str,
    *,
    subject: Pushable | None = None,
    artifact_type: str = "application/vnd.example.sbom",
    annotations: Mapping[str, str] | None = None,
) -> Pushable:
    """An artifact with the empty config and one layer, as clients attach them to an image."""
    layer = blob(f"{name}.content", media_type="application/octet-stream")
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_MANIFEST,
        "artifactType": artifact_type,
        "config": EMPTY.descriptor(),
        "layers": [layer.descriptor()],
    }
    return Pushable(_manifest(name, document, subject, annotations), (EMPTY, layer))


def index(
    name: str,
    children: Sequence[Pushable | Piece],
    *,
    subject: Pushable | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Pushable:
    """An index of manifests; a Piece among its children is an entry that is a blob, as build caches write them."""
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_INDEX,
        "manifests": [
            child.descriptor() if isinstance(child, Piece) else child.piece.descriptor() for child in children
        ],
    }
    return Pushable(
        _manifest(name, document, subject, {"org.opencontainers.image.title": name, **(annotations or {})}),
        tuple(child for child in children if isinstance(child, Piece)),
        tuple(child for child in children if isinstance(child, Pushable)),
    )


def platform_index(name: str = "all", *, attested: bool = False) -> Pushable:
    """An index of two platforms, as builders write it; `attested`: with an entry for none, as BuildKit adds it."""
    images = [image(f"{name}-amd64", layers=["base", f"{name}-a"]), image(f"{name}-arm64")]
    entries = [
        child.piece.descriptor(platform={"os": "linux", "architecture": child.name.rpartition("-")[2]})
        for child in images
    ]
    if attested:
        images.append(image(f"{name}-attestation"))
        entries.append(images[-1].piece.descriptor(platform={"os": "unknown", "architecture": "unknown"}))
    document = {"schemaVersion": 2, "mediaType": media_types.OCI_INDEX, "manifests": entries}
    return Pushable(Piece(name, media_types.OCI_INDEX, json.dumps(document).encode()), (), tuple(images))


def stating(name: str, descriptors: Sequence[dict[str, Any]], blobs: Sequence[Piece] = ()) -> Pushable:
    """An image whose config and layers are exactly `descriptors`, true or not."""
    document = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_MANIFEST,
        "config": descriptors[0],
        "layers": list(descriptors[1:]),
    }
    return Pushable(_manifest(name, document, None, None), tuple(blobs))


def _manifest(
    name: str, document: dict[str, Any], subject: Pushable | None, annotations: Mapping[str, str] | None
) -> Piece:
    if subject is not None:
        document["subject"] = subject.piece.descriptor()
    if annotations:
        document["annotations"] = dict(annotations)
    return Piece(name, document["mediaType"], json.dumps(document).encode())
