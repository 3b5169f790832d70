"""What of a push lands in quarantine: whatever somebody may run, and not what only says something of it."""

import re
from collections.abc import Iterable

from orlop.domain.artifacts import IMAGE_CONFIGS, kind_of_type
from orlop.domain.content_kinds import ContentKind
from orlop.domain.manifest import EdgeKind, Manifest

#: Tags under which clients push signatures and what else they say of a digest (cosign, specs/SIGNATURE_SPEC.md).
_SAYS = re.compile(r"sha256-[0-9a-f]{64}\.(?:sig|att|sbom)", re.ASCII)


def lands(manifest: Manifest, tags: Iterable[str]) -> bool:
    """Whether a manifest that is pushed with these tags is held: gates wait for signatures, so those are not."""
    if manifest.is_index or runs(manifest):
        return True
    named = tuple(tags)
    says = manifest.subject is not None or (bool(named) and all(_SAYS.fullmatch(tag) for tag in named))
    return not says


def runs(parsed: Manifest) -> bool:
    """Whether engines may run it: it has the config of an image and anything in it that is no signature or attestation.

    What it calls itself does not matter: engines do not look at that either.
    """
    configs = {edge.media_type for edge in parsed.edges if edge.kind in {EdgeKind.CONFIG, EdgeKind.BLOB}}
    if configs.isdisjoint(IMAGE_CONFIGS):
        return False
    layers = [kind_of_type(edge.media_type) for edge in parsed.edges if edge.kind is EdgeKind.LAYER]
    return not layers or any(kind in {ContentKind.OTHER, ContentKind.IMAGE} for kind in layers)
