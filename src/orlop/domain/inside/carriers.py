"""Which manifests hold documents about images, and in which of their layers, as those write them that attach them.

Documents lie in layers as they are, or in attestations: cosign and vexctl attach layers of DSSE envelopes whose
annotations name the predicate, in a manifest at a tag or in a referrer, and since version 3 bundles of Sigstore
(docs.sigstore.dev, "In-Toto Attestations"); BuildKit, Docker Scout and oras attach in-toto statements and documents.
"""

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.manifest import EdgeKind, Manifest

#: What is around attestations.
AROUND = frozenset({"application/vnd.dsse.envelope.v1+json", "application/vnd.in-toto+json"})
_BUNDLE = "application/vnd.dev.sigstore.bundle"
#: The same, as types of artifacts that are known by name.
AROUND_BY_NAME = AROUND | {f"{_BUNDLE}.v0.{minor}+json" for minor in (1, 2, 3)}
#: How layers (cosign, BuildKit) and manifests (bundles) name the predicate of an attestation.
_PREDICATES = ("predicateType", "in-toto.io/predicate-type", "dev.sigstore.bundle.predicateType")
#: Layers of one manifest that are read.
MOST = 16


class CarriedLayer(msgspec.Struct, frozen=True):
    """A layer that holds a document, or perhaps does: what is attested may be something else."""

    digest: Digest
    media_type: str
    size: int
    certain: bool


class Carried(msgspec.Struct, frozen=True):
    """A kind of documents: what people call one, their types, as artifact types and as types of layers, and how the
    types of in-toto predicates begin whose predicate is such a document."""

    called: str
    types: frozenset[str]
    predicates: tuple[str, ...]

    def may_hold(self, artifact_type: str) -> bool:
        """Whether an artifact of this type may hold one."""
        return artifact_type in self.types or is_around(artifact_type)

    def layers(self, manifest: Manifest, content: bytes, attached: bool = False) -> tuple[CarriedLayer, ...]:
        """The layers of a manifest that hold some; `content`: its bytes, of which it was read. `attached`: it is known
        to be about an image; otherwise documents that no attestation holds are, where it refers to one."""
        attached = attached or manifest.subject is not None
        edges = [edge for edge in manifest.edges if edge.kind is EdgeKind.LAYER]
        if not any(self._is_one(manifest, edge.media_type, attached) for edge in edges):
            return ()
        said = msgspec.json.decode(content, type=_Layers).layers or []
        found = []
        for edge, layer in zip(edges, said, strict=True):
            if not self._is_one(manifest, edge.media_type, attached) or edge.foreign:
                continue
            annotations = manifest.annotations | (layer.annotations or {})
            predicate = next((annotations[name] for name in _PREDICATES if name in annotations), "")
            if predicate and not predicate.startswith(self.predicates):
                continue
            certain = bool(predicate) or not is_around(edge.media_type)
            found.append(CarriedLayer(edge.digest, edge.media_type, edge.size, certain))
        return tuple(found[:MOST])

    def _is_one(self, manifest: Manifest, media_type: str, attached: bool) -> bool:
        if attached and (media_type in self.types or manifest.artifact_type in self.types):
            return True
        return is_around(media_type)


class _Layer(msgspec.Struct):
    annotations: dict[str, str] | None = None


class _Layers(msgspec.Struct):
    layers: list[_Layer] | None = None


def is_around(media_type: str) -> bool:
    """Whether it is of attestations, whatever they attest."""
    return media_type in AROUND or media_type.startswith(_BUNDLE)


VEX_DOCUMENTS = Carried(
    "VEX document",
    frozenset(
        {
            *("application/vnd.openvex+json", "application/openvex+json", "text/vex+json"),
            *("application/csaf+json", "application/vnd.csaf+json"),
        }
    ),
    ("https://openvex.dev/ns",),
)
#: Predicates: in-toto.io/attestation, "Vetted predicates"; programs write them with a version behind, too.
SBOM_DOCUMENTS = Carried(
    "SBOM",
    frozenset(
        {
            *("application/vnd.cyclonedx+json", "application/vnd.cyclonedx", "application/spdx+json"),
            *("text/spdx+json", "text/spdx", "application/vnd.dev.cosign.artifact.sbom.v1+json"),
        }
    ),
    ("https://spdx.dev/Document", "https://cyclonedx.org/bom"),
)
