"""What a manifest is to people: an image, a chart, a model, a signature. Its media types say so, never its name."""

from orlop.domain import media_types
from orlop.domain.content_kinds import ContentKind, kind_by_type
from orlop.domain.descriptor import Descriptor
from orlop.domain.digest import Digest
from orlop.domain.errors import DigestInvalid
from orlop.domain.manifest import EdgeKind, Manifest

DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
#: Configs that say how an image runs (image-spec, config.md).
IMAGE_CONFIGS = frozenset({media_types.OCI_CONFIG, DOCKER_CONFIG})
#: Helm's config is the Chart.yaml of the chart, as JSON (helm.sh/docs/topics/registries).
CHART_CONFIG = "application/vnd.cncf.helm.config.v1+json"
CHART_CONTENT = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
#: Manifests, configs and layers of models (modelpack/model-spec).
MODEL_PREFIX = "application/vnd.cncf.model."
MODEL_CONFIG = "application/vnd.cncf.model.config.v1+json"
#: A layer of documents beside the weights, of which the README is the card.
MODEL_DOC_PREFIX = "application/vnd.cncf.model.doc.v1."

#: How BuildKit marks the entries of an index that attest another entry of it (docs.docker.com, "Attestation storage").
_REFERENCE_TYPE, _REFERENCE_DIGEST = "vnd.docker.reference.type", "vnd.docker.reference.digest"
_ATTESTATION = "attestation-manifest"
_NO_PLATFORM = frozenset({("unknown", "unknown"), ("unknown", "")})


def kind_of(manifest: Manifest) -> ContentKind:
    """By the type that the manifest gives itself, then by its config, then by the layers of what claims to be an image:
    cosign's signatures and BuildKit's attestations have the config of an image."""
    configs = [edge.media_type for edge in manifest.edges if edge.kind in {EdgeKind.CONFIG, EdgeKind.BLOB}]
    for media_type in (manifest.artifact_type, *configs):
        found = kind_of_type(media_type)
        if found is not ContentKind.OTHER and found is not ContentKind.IMAGE:
            return found
    if manifest.is_index:
        return ContentKind.INDEX
    layers = [edge.media_type for edge in manifest.edges if edge.kind is EdgeKind.LAYER]
    within = {kind_of_type(media_type) for media_type in layers}
    if len(within) == 1 and (found := within.pop()) is not ContentKind.OTHER:
        return found
    return ContentKind.IMAGE if set(configs) & IMAGE_CONFIGS else ContentKind.OTHER


def kind_of_type(media_type: str) -> ContentKind:
    """By the type of an artifact alone, as a list of referrers gives it."""
    return kind_by_type(media_type) or ContentKind.OTHER


def attested(entry: Descriptor) -> Digest | None:
    """The entry of the same index that this one attests; None for one that is no attestation of BuildKit's.

    Its platform is `unknown/unknown`, which is none.
    """
    if entry.annotations.get(_REFERENCE_TYPE) != _ATTESTATION:
        return None
    try:
        return Digest(entry.annotations.get(_REFERENCE_DIGEST, ""))
    except DigestInvalid:
        return None


def is_attestation(entry: Descriptor) -> bool:
    """Whether an entry of an index attests another, as far as it says so."""
    return entry.annotations.get(_REFERENCE_TYPE) == _ATTESTATION


def is_platform(entry: Descriptor) -> bool:
    """Whether an entry of an index says what it runs on."""
    platform = entry.platform
    if platform is None or is_attestation(entry):
        return False
    return (platform.os, platform.architecture) not in _NO_PLATFORM and bool(platform.os or platform.architecture)
