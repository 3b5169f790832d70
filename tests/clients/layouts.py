"""Images made from nothing, as OCI layouts: layers of files, configs that tell the truth, indexes of platforms."""

import gzip
import hashlib
import io
import json
import random
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"

#: What the program of every image here says; it is a script, so a system has to be below it.
GREETING = "greetings from the third layer"


class Layer(NamedTuple):
    """A layer as it is stored, and the digest of what it unpacks to."""

    content: bytes
    diff_id: str


def layer(files: Mapping[str, bytes], *, mode: int = 0o644, level: int = 1) -> Layer:
    """A layer of these files, the same bytes every time; `level` is how hard gzip tries, 0 not at all."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            archive.addfile(entry, io.BytesIO(content))
    return packed(stream.getvalue(), level)


def packed(archive: bytes, level: int = 1) -> Layer:
    """A layer of a tar archive."""
    return Layer(gzip.compress(archive, compresslevel=level, mtime=0), _digest(archive))


def noise(seed: str, size: int) -> bytes:
    """Bytes that do not compress, the same for the same seed."""
    return random.Random(seed).randbytes(size)


def program_layers(seed: str, size: int = 300_000) -> list[Layer]:
    """Three layers: a program, something large that is its own, and what the program says."""
    return [
        layer({"usr/local/bin/greet": b"#!/bin/sh\ncat /etc/greeting\n"}, mode=0o755),
        layer({f"srv/{seed}": noise(seed, size), "srv/.wh.gone": b""}, level=0),
        layer({"etc/greeting": f"{GREETING}\n".encode()}),
    ]


class Layout:
    """An OCI layout in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "blobs" / "sha256").mkdir(parents=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def image(self, layers: Sequence[Layer], architecture: str = "amd64") -> dict[str, Any]:
        """Write an image; its descriptor."""
        config = {
            "architecture": architecture,
            "os": "linux",
            "created": "2026-01-02T03:04:05Z",
            "config": {"Cmd": ["/usr/local/bin/greet"], "Env": ["PATH=/usr/bin:/bin:/usr/local/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
            "history": [{"created": "2026-01-02T03:04:05Z", "created_by": "layouts"} for _ in layers],
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": self._write(json.dumps(config).encode(), _CONFIG),
            "layers": [self._write(layer.content, _LAYER) for layer in layers],
        }
        platform = {"platform": {"architecture": architecture, "os": "linux"}}
        return self._write(json.dumps(manifest).encode(), _MANIFEST) | platform

    def index(self, images: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Write an index; its descriptor."""
        document = {
            "schemaVersion": 2,
            "mediaType": _INDEX,
            "manifests": list(images),
            "annotations": {"org.example.about": "several platforms"},
        }
        return self._write(json.dumps(document).encode(), _INDEX)

    def tag(self, descriptor: dict[str, Any], name: str) -> None:
        """Make this the one entry of the layout."""
        entry = {key: value for key, value in descriptor.items() if key != "platform"}
        entry["annotations"] = {"org.opencontainers.image.ref.name": name}
        index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [entry]}
        (self.folder / "index.json").write_text(json.dumps(index))

    def _write(self, content: bytes, media_type: str) -> dict[str, Any]:
        digest = _digest(content)
        (self.folder / "blobs" / "sha256" / digest.removeprefix("sha256:")).write_bytes(content)
        return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
