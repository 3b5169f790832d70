"""The content as zot stores it: an OCI image layout for each repository; the same blob in several is one file."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from bench.scenes import content
from bench.scenes.content import Piece


def write(root: Path, repositories: int) -> None:
    """One layout for each repository."""
    first: dict[str, Path] = {}
    shared = (content.config(), *content.layers())
    for name, tagged in content.crowd(repositories):
        _layout(root / name, tagged, shared, first)
    blobs = tuple(each for size in content.BLOB_COUNTS for each in content.blobs(size))
    _layout(root / content.BLOBS, [("v0", content.manifest(blobs, "blobs"))], (content.config(), *blobs), first)
    layers = content.image_layers()
    _layout(root / content.IMAGE, [("v0", content.manifest(layers, "image"))], (content.config(), *layers), first)


def _layout(folder: Path, tagged: list[tuple[str, Piece]], blobs: Iterable[Piece], first: dict[str, Path]) -> None:
    stored = folder / "blobs" / "sha256"
    stored.mkdir(parents=True)
    (folder / ".uploads").mkdir()
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    for each in blobs:
        path = stored / each.hex
        if each.digest in first:
            os.link(first[each.digest], path)
        else:
            path.write_bytes(each.content)
            first[each.digest] = path
    for _, manifest in tagged:
        (stored / manifest.hex).write_bytes(manifest.content)
    entries = [
        {
            "mediaType": content.MANIFEST,
            "digest": manifest.digest,
            "size": len(manifest.content),
            "annotations": {"org.opencontainers.image.ref.name": tag},
        }
        for tag, manifest in tagged
    ]
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))
