"""Which manifests hold VEX documents, and in which of their layers, as those write them that attach them.

`vexctl attest` and cosign attach attestations (docs.sigstore.dev, "In-Toto Attestations"): layers of DSSE envelopes
whose annotations name the predicate, of a manifest at a tag or of a referrer; since version 3 bundles of Sigstore.
Docker Scout and oras attach in-toto statements and documents themselves.
"""

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.inside.vex.parsing import PREDICATE
from orlop.domain.manifest import EdgeKind, Manifest

#: Types of documents, as artifact types and as types of layers.
DOCUMENTS = frozenset(
    {
        *("application/vnd.openvex+json", "application/openvex+json", "text/vex+json"),
        *("application/csaf+json", "application/vnd.csaf+json"),
    }
)
#: What is around attestations.
_AROUND = frozenset({"application/vnd.dsse.envelope.v1+json", "application/vnd.in-toto+json"})
_BUNDLE = "application/vnd.dev.sigstore.bundle"
#: Types of artifacts that hold documents, or may.
ARTIFACTS = DOCUMENTS | _AROUND | {f"{_BUNDLE}.v0.{minor}+json" for minor in (1, 2, 3)}
#: How layers (cosign, BuildKit) and manifests (bundles) name the predicate of an attestation.
_PREDICATES = ("predicateType", "in-toto.io/predicate-type", "dev.sigstore.bundle.predicateType")
#: Layers of one manifest that are read.
MOST = 16


class VexLayer(msgspec.Struct, frozen=True):
    """A layer that holds a document, or perhaps does: what is attested may be something else."""

    digest: Digest
    size: int
    certain: bool


class _Layer(msgspec.Struct):
    annotations: dict[str, str] | None = None


class _Layers(msgspec.Struct):
    layers: list[_Layer] | None = None


def vex_layers(manifest: Manifest, content: bytes) -> tuple[VexLayer, ...]:
    """The layers of a manifest that hold documents; `content`: its bytes, of which it was read."""
    edges = [edge for edge in manifest.edges if edge.kind is EdgeKind.LAYER]
    if not any(_may_hold(manifest, edge.media_type) for edge in edges):
        return ()
    said = msgspec.json.decode(content, type=_Layers).layers or []
    found = []
    for edge, layer in zip(edges, said, strict=True):
        if not _may_hold(manifest, edge.media_type) or edge.foreign:
            continue
        annotations = manifest.annotations | (layer.annotations or {})
        predicate = next((annotations[name] for name in _PREDICATES if name in annotations), "")
        if predicate and not predicate.startswith(PREDICATE):
            continue
        found.append(VexLayer(edge.digest, edge.size, bool(predicate) or not _is_around(edge.media_type)))
    return tuple(found[:MOST])


def _may_hold(manifest: Manifest, media_type: str) -> bool:
    if manifest.subject is not None and (media_type in DOCUMENTS or manifest.artifact_type in DOCUMENTS):
        return True
    return _is_around(media_type)


def _is_around(media_type: str) -> bool:
    return media_type in _AROUND or media_type.startswith(_BUNDLE)
