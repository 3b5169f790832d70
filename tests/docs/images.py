"""The images that documents speak of: made from nothing, the same bytes every time, and real enough to be unpacked."""

import io
import json
import tarfile
from collections.abc import Mapping
from typing import Any

from orlop.domain import media_types
from orlop.domain.digest import digest_of
from tests.content import Piece, Pushable, artifact

_TAR = "application/vnd.oci.image.layer.v1.tar"
_CREATED = "2026-03-14T09:26:53Z"


def _layer(name: str, files: Mapping[str, bytes]) -> Piece:
    """A layer, not compressed: compressors differ in the bytes they make."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, io.BytesIO(content))
    return Piece(name, _TAR, stream.getvalue())


#: What the package managers of a small Debian image with a Python library on it wrote down.
_DEBIAN = {
    "etc/os-release": b'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n',
    "var/lib/dpkg/status": b"""Package: bash
Status: install ok installed
Architecture: amd64
Version: 5.2.15-2+b2

Package: libssl3
Status: install ok installed
Architecture: amd64
Source: openssl
Version: 3.0.11-1~deb12u2
""",
}
_LIBRARY = {
    "usr/lib/python3/dist-packages/requests-2.31.0.dist-info/METADATA": b"""Metadata-Version: 2.1
Name: requests
Version: 2.31.0
License: Apache-2.0
""",
}


def _image(architecture: str) -> Pushable:
    layers = (
        _layer("program", {"app": b"#!/bin/sh\necho shipped\n", "words": b"words " * 20_000}),
        _layer(f"library {architecture}", {"library": f"{architecture} ".encode() * 9_000}),
    )
    return _of_layers(architecture, layers)


def _of_layers(architecture: str, layers: tuple[Piece, ...]) -> Pushable:
    config = {
        "architecture": architecture,
        "os": "linux",
        "created": _CREATED,
        "config": {"Cmd": ["/app"]},
        "rootfs": {"type": "layers", "diff_ids": [digest_of(layer.content, "sha256") for layer in layers]},
    }
    own = Piece(f"config {architecture}", media_types.OCI_CONFIG, json.dumps(config).encode())
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_MANIFEST,
        "config": own.descriptor(),
        "layers": [layer.descriptor() for layer in layers],
    }
    return Pushable(Piece(architecture, media_types.OCI_MANIFEST, json.dumps(document).encode()), (own, *layers))


def _index(images: Mapping[str, Pushable]) -> Pushable:
    """An index of images by their architecture."""
    document = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_INDEX,
        "manifests": [
            image.piece.descriptor(platform={"os": "linux", "architecture": architecture})
            for architecture, image in images.items()
        ],
    }
    return Pushable(
        Piece("platforms", media_types.OCI_INDEX, json.dumps(document).encode()), children=tuple(images.values())
    )


def named() -> dict[str, Pushable]:
    """Each by its name in documents: images `app`, `arm`, `debian` and `mended`, which is `debian` with a later
    package, the index `platforms`, and `sbom`, which refers to `app`."""
    images = {architecture: _image(architecture) for architecture in ("amd64", "arm64")}
    app = images["amd64"]
    sbom = artifact("sbom", subject=app, artifact_type="application/spdx+json")
    debian = _of_layers("amd64", (_layer("debian", _DEBIAN), _layer("python library", _LIBRARY)))
    status = "var/lib/dpkg/status"
    newer = {**_DEBIAN, status: _DEBIAN[status].replace(b"3.0.11-1~deb12u2", b"3.0.11-1~deb12u3")}
    mended = _of_layers("amd64", (_layer("debian, mended", newer), _layer("python library", _LIBRARY)))
    return {
        "debian": debian,
        "mended": mended,
        "app": app,
        "arm": images["arm64"],
        "sbom": sbom,
        "platforms": _index(images),
    }
