"""What a tagged manifest is to people: an image, a chart, a signature. Found by its types alone, nothing is opened."""

from enum import StrEnum

from orlop.domain.media_types import INDEXES
from orlop.domain.names import is_referrers_tag

#: What an entry or the config of a build cache of BuildKit is, in an index or, with `image-manifest=true`, a manifest.
BUILD_CACHE = "application/vnd.buildkit.cacheconfig.v0"


class ContentKind(StrEnum):
    """The words that lists and searches use."""

    IMAGE = "image"
    INDEX = "index"
    """Images for several platforms, or whatever else an index lists."""
    CHART = "chart"
    SIGNATURE = "signature"
    ATTESTATION = "attestation"
    SBOM = "sbom"
    CACHE = "cache"
    MODEL = "model"
    REFERRERS = "referrers"
    """The index of the fallback tag (distribution-spec, "Referrers Tag Schema")."""
    OTHER = "other"


_OF_TAG = {
    ".sig": ContentKind.SIGNATURE,
    ".att": ContentKind.ATTESTATION,
    ".sbom": ContentKind.SBOM,
}

_OF_TYPE = {
    "application/vnd.oci.image.config.v1+json": ContentKind.IMAGE,
    "application/vnd.docker.container.image.v1+json": ContentKind.IMAGE,
    "application/vnd.cncf.helm.config.v1+json": ContentKind.CHART,
    BUILD_CACHE: ContentKind.CACHE,
    "application/vnd.dev.cosign.artifact.sig.v1+json": ContentKind.SIGNATURE,
    "application/vnd.cncf.notary.signature": ContentKind.SIGNATURE,
    "application/vnd.in-toto+json": ContentKind.ATTESTATION,
    "application/vnd.dsse.envelope.v1+json": ContentKind.ATTESTATION,
    "application/vnd.dev.cosign.artifact.sbom.v1+json": ContentKind.SBOM,
    "application/spdx+json": ContentKind.SBOM,
    "text/spdx": ContentKind.SBOM,
    "text/spdx+json": ContentKind.SBOM,
    "application/vnd.cyclonedx": ContentKind.SBOM,
    "application/vnd.cyclonedx+json": ContentKind.SBOM,
    "application/vnd.cyclonedx+xml": ContentKind.SBOM,
    "application/vnd.syft+json": ContentKind.SBOM,
    "application/vnd.cncf.model.manifest.v1+json": ContentKind.MODEL,
}

#: Bundles of Sigstore and models of ModelPack and Docker have versions in the middle of their types; signatures of
#: cosign and attestations of in-toto are known by the types of their layers, too.
_OF_PREFIX = {
    "application/vnd.dev.cosign.simplesigning.": ContentKind.SIGNATURE,
    "application/vnd.in-toto": ContentKind.ATTESTATION,
    "application/vnd.dev.sigstore.bundle": ContentKind.SIGNATURE,
    "application/vnd.cncf.model.": ContentKind.MODEL,
    "application/vnd.docker.ai.model.": ContentKind.MODEL,
}


def kind_of(tag: str, media_type: str, artifact_type: str, *, caches: bool = False) -> ContentKind:
    """What a manifest is that a tag points at. `caches`: it lists the config of a build cache."""
    if is_referrers_tag(tag):
        ending = tag.rpartition(".")[2]
        return _OF_TAG.get(f".{ending}", ContentKind.REFERRERS)
    if caches:
        return ContentKind.CACHE
    found = kind_by_type(artifact_type)
    if found is not None:
        return found
    if media_type in INDEXES and not artifact_type:
        return ContentKind.INDEX
    return ContentKind.OTHER if artifact_type else ContentKind.IMAGE


def kind_by_type(media_type: str) -> ContentKind | None:
    """By a type alone, of an artifact, a config or a layer; None for one that says nothing."""
    found = _OF_TYPE.get(media_type)
    return found or next((kind for prefix, kind in _OF_PREFIX.items() if media_type.startswith(prefix)), None)
