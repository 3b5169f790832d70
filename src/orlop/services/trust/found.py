"""Signatures of an image as they are stored: found among what refers to it, and read."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import msgspec

from orlop.domain.artifacts import kind_of_type
from orlop.domain.content_kinds import ContentKind
from orlop.domain.descriptor import Descriptor
from orlop.domain.digest import Digest
from orlop.domain.errors import BlobUnknown, Denied, ManifestInvalid, ManifestUnknown, TagInvalid, Unauthorized
from orlop.domain.manifest import parse_layers
from orlop.domain.names import referrers_tags
from orlop.domain.trust.claims import BUNDLE_MAX, BUNDLES, DSSE, PAYLOAD_MAX, SIGNATURE_ANNOTATION, SIMPLE_SIGNING
from orlop.domain.trust.notation import COSE, ENVELOPE_MAX, JWS
from orlop.ports.signatures import FoundSignature, JudgedSignature, SignatureForm
from orlop.ports.upstream import ContentSource

#: Manifests that are read for signatures of one image, and signatures that are looked at: cosign adds one to what there
#: is each time that somebody signs.
MANIFESTS, SIGNATURES = 64, 100
#: Bytes of all that is looked at.
_BYTES = 16 * 1024 * 1024
#: Manifests that are read at the same time.
_ASKED = 8

#: How signatures are written, and how large one may be, by the type of the layer that holds it.
_FORMS = {
    SIMPLE_SIGNING: (SignatureForm.SIMPLE, PAYLOAD_MAX),
    DSSE: (SignatureForm.ENVELOPE, BUNDLE_MAX),
    **dict.fromkeys(BUNDLES, (SignatureForm.BUNDLE, BUNDLE_MAX)),
    JWS: (SignatureForm.JWS, ENVELOPE_MAX),
    COSE: (SignatureForm.COSE, ENVELOPE_MAX),
}
#: What is said of a signature whose layer is not there.
GONE = "what it stands in is gone"

_MAY_HOLD = frozenset({ContentKind.SIGNATURE, ContentKind.ATTESTATION})


class HeldSignature(msgspec.Struct, frozen=True):
    """A layer that holds one. `artifact`: the manifest of it; `tag`: under which that is found, where nothing else
    tells of it; `most`: bytes that are looked at."""

    artifact: Digest
    tag: str
    layer: Descriptor
    form: SignatureForm
    most: int


async def held_signatures(source: ContentSource, subjects: Sequence[Digest]) -> tuple[list[HeldSignature], bool]:
    """The layers that hold signatures of an image, which goes by these digests; those of referrers first. And whether
    there are more than are looked at."""
    found: list[tuple[str, str]] = []
    more = False
    for subject in subjects:
        async for entry in source.referrers(subject):
            if kind_of_type(entry.artifact_type) in _MAY_HOLD:
                if len(found) >= MANIFESTS:
                    more = True
                    break
                found.append((entry.digest, ""))
    for subject in subjects:
        found += [(str(tag), str(tag)) for tag in referrers_tags(subject) if tag.endswith((".sig", ".att"))]
    held: dict[tuple[str, str], HeldSignature] = {}
    for start in range(0, len(found), _ASKED):
        asked = (_layers(source, *one) for one in found[start : start + _ASKED])
        for one in [each for layers in await asyncio.gather(*asked) for each in layers]:
            # A payload stands in its layer as often as it was signed, and a referrer may lie under a tag as well.
            signature = one.layer.annotations.get(SIGNATURE_ANNOTATION, "")
            held.setdefault((one.layer.digest, signature), one)
    kept: list[HeldSignature] = []
    weight = 0
    for one in held.values():
        weight += min(one.layer.size, one.most)
        if len(kept) >= SIGNATURES or weight > _BYTES:
            return kept, True
        kept.append(one)
    return kept, more


async def _layers(source: ContentSource, reference: str, tag: str) -> list[HeldSignature]:
    try:
        manifest = await source.fetch(reference)
        layers = parse_layers(manifest.content)
    except (ManifestUnknown, TagInvalid, ManifestInvalid, Unauthorized, Denied):
        return []
    return [
        HeldSignature(manifest.digest, tag, each, *_FORMS[each.media_type])
        for each in layers
        if each.media_type in _FORMS
    ]


async def content_of(source: ContentSource, held: HeldSignature) -> FoundSignature | JudgedSignature:
    """What it is; the verdict on what is not looked at."""
    if held.layer.size > held.most:
        return JudgedSignature(problem=f"it has {held.layer.size} bytes, and {held.most} are looked at")
    content = bytearray()
    try:
        async with aclosing(_pieces(source, held.layer)) as pieces:
            async for piece in pieces:
                content += piece
                # Whoever wrote its size need not have told the truth.
                if len(content) > held.layer.size:
                    return JudgedSignature(problem=f"it is longer than the {held.layer.size} bytes that it says")
    except BlobUnknown:
        return JudgedSignature(problem=GONE)
    return FoundSignature(
        form=held.form,
        content=bytes(content),
        annotations=held.layer.annotations,
    )


async def _pieces(source: ContentSource, layer: Descriptor) -> AsyncGenerator[bytes, None]:
    async with aclosing(source.read_blob(Digest.stored(layer.digest), layer.size)) as pieces:
        async for piece in pieces:
            yield piece
