"""What is more than an image: with a config of choice, attested, charts, models. See `content`."""

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any

from orlop.domain import media_types
from orlop.domain.artifacts import CHART_CONFIG, CHART_CONTENT, MODEL_CONFIG, MODEL_DOC_PREFIX
from tests.content import Piece, Pushable, blob, image

MODEL_MANIFEST = "application/vnd.cncf.model.manifest.v1+json"


def manifest(
    name: str, document: Mapping[str, Any], blobs: Sequence[Piece], children: Sequence[Pushable] = ()
) -> Pushable:
    """A manifest as it is written here."""
    whole = {"schemaVersion": 2, "mediaType": media_types.OCI_MANIFEST, **document}
    piece = Piece(name, str(whole["mediaType"]), json.dumps(whole).encode())
    return Pushable(piece, tuple(dict.fromkeys(blobs)), tuple(children))


def configured(
    name: str,
    config: Mapping[str, Any],
    layers: Sequence[str | Piece] = ("base",),
    annotations: Mapping[str, str] | None = None,
) -> Pushable:
    """An image with a config of choice."""
    own = Piece(f"{name}.config", media_types.OCI_CONFIG, json.dumps(config).encode())
    pieces = [blob(layer) if isinstance(layer, str) else layer for layer in layers]
    document: dict[str, Any] = {"config": own.descriptor(), "layers": [piece.descriptor() for piece in pieces]}
    if annotations:
        document["annotations"] = dict(annotations)
    return manifest(name, document, (own, *pieces))


def attested(name: str, platforms: Sequence[str] = ("amd64", "arm64"), images: Sequence[Pushable] = ()) -> Pushable:
    """An index as BuildKit writes it: an image for each platform, and of each an attestation for `unknown/unknown`."""
    images = images or [image(f"{name}-{platform}", layers=["base", f"{name}-{platform}"]) for platform in platforms]
    entries, attestations = [], []
    for one, platform in zip(images, platforms, strict=True):
        entries.append(one.piece.descriptor(platform={"os": "linux", "architecture": platform}))
        attestation = image(
            f"{one.name}-attestation",
            layers=[blob(f"{one.name}-provenance", media_type="application/vnd.in-toto+json")],
        )
        said = {"vnd.docker.reference.digest": str(one.digest), "vnd.docker.reference.type": "attestation-manifest"}
        nowhere = {"os": "unknown", "architecture": "unknown"}
        entries.append(attestation.piece.descriptor(platform=nowhere, annotations=said))
        attestations.append(attestation)
    document = {"mediaType": media_types.OCI_INDEX, "manifests": entries}
    return manifest(name, document, (), (*images, *attestations))


def packed(files: Mapping[str, str | bytes], *, mode: str = "w:gz") -> bytes:
    """A tar archive of these files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for path, text in files.items():
            content = text.encode() if isinstance(text, str) else text
            member = tarfile.TarInfo(path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def chart(
    name: str,
    files: Mapping[str, str | bytes] | None = None,
    *,
    content: bytes | None = None,
    said: Mapping[str, Any] | None = None,
) -> Pushable:
    """A chart of Helm, with these files in its folder, or with other content instead of an archive."""
    about = {"name": name, "version": "1.2.3", "apiVersion": "v2", "appVersion": "7", "description": "serves"} | (
        dict(said) if said else {}
    )
    whole = {f"{name}/{path}": text for path, text in (files or {}).items()}
    archive = packed({f"{name}/Chart.yaml": json.dumps(about), **whole}) if content is None else content
    own = Piece(f"{name}.chart", CHART_CONFIG, json.dumps(about).encode())
    layer = Piece(f"{name}.tgz", CHART_CONTENT, archive)
    return manifest(name, {"config": own.descriptor(), "layers": [layer.descriptor()]}, (own, layer))


def model(name: str, card: str | None, *, packing: str = ".tar") -> Pushable:
    """A model of ModelPack, with its card as a layer of documents."""
    own = Piece(
        f"{name}.model",
        MODEL_CONFIG,
        json.dumps(
            {
                "descriptor": {"name": name, "family": "llama", "licenses": ["Apache-2.0"]},
                "config": {"architecture": "transformer", "format": "safetensors", "paramSize": "8b"},
                "modelfs": {"type": "layers", "diffIds": []},
            }
        ).encode(),
    )
    weights = blob(f"{name}.weights", media_type="application/vnd.cncf.model.weight.v1.tar")
    layers, blobs = [weights.descriptor(annotations={"org.cncf.model.filepath": "model.safetensors"})], [own, weights]
    if card is not None:
        mode = {".tar": "w", ".tar+gzip": "w:gz"}.get(packing)
        content = packed({"README.md": card}, mode=mode) if mode else card.encode()
        doc = Piece(f"{name}.doc", f"{MODEL_DOC_PREFIX.rstrip('.')}{packing}", content)
        layers.append(doc.descriptor(annotations={"org.cncf.model.filepath": "README.md"}))
        blobs.append(doc)
    return manifest(name, {"artifactType": MODEL_MANIFEST, "config": own.descriptor(), "layers": layers}, blobs)
