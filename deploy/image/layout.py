"""An image layout (OCI image-spec, image-layout.md) in a folder, and as an archive that engines load."""

import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from deploy.image.image import INDEX, LAYER, Blob, Image, descriptor

_VERSION = b'{"imageLayoutVersion":"1.0.0"}'
_REF = "org.opencontainers.image.ref.name"


def write_folder(folder: Path, named: Mapping[str, Blob], referrers: Iterable[Blob], blobs: Iterable[Blob]) -> None:
    """A layout with images by their names, and what refers to them."""
    store = folder / "blobs" / "sha256"
    store.mkdir(parents=True)
    for each in (*named.values(), *referrers, *blobs):
        (store / str(each.descriptor["digest"]).partition(":")[2]).write_bytes(each.content)
    (folder / "oci-layout").write_bytes(_VERSION)
    (folder / "index.json").write_bytes(_index(named, referrers))


def write_archive(path: Path, name: str, image: Image) -> None:
    """An archive of one image, for `docker load` and `podman load`: a layout, and beside it what engines look for that
    know none (before Docker 25)."""
    digests = [image.manifest, image.config, *map(_layer, image.layers)]
    files = {
        "oci-layout": _VERSION,
        "index.json": _index({name: image.manifest}, ()),
        "manifest.json": json.dumps(
            [
                {
                    "Config": _place(image.config),
                    "RepoTags": [name],
                    "Layers": [_place(_layer(layer)) for layer in image.layers],
                }
            ]
        ).encode(),
        **{_place(each): each.content for each in digests},
    }
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for file, content in sorted(files.items()):
            member = tarfile.TarInfo(file)
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))


def contents(image: Image) -> list[Blob]:
    """Everything that an image is made of."""
    return [image.manifest, image.config, *map(_layer, image.layers)]


def _layer(layer: Any) -> Blob:
    return Blob(layer.content, descriptor(layer.content, LAYER))


def _place(blob: Blob) -> str:
    return f"blobs/{str(blob.descriptor['digest']).replace(':', '/')}"


def _index(named: Mapping[str, Blob], referrers: Iterable[Blob]) -> bytes:
    entries = [{**each.descriptor, "annotations": {_REF: name}} for name, each in named.items()]
    entries += [dict(each.descriptor) for each in referrers]
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}, separators=(",", ":")).encode()
