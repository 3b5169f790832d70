"""Who signed an image, as far as it is known at its place, for whoever may pull it."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import msgspec

from orlop.domain.access import Action, Caller
from orlop.domain.artifacts import kind_of_type
from orlop.domain.content_kinds import ContentKind
from orlop.domain.descriptor import Descriptor
from orlop.domain.digest import Digest
from orlop.domain.errors import BlobUnknown, Denied, ManifestInvalid, ManifestUnknown, TagInvalid, Unauthorized
from orlop.domain.manifest import parse_layers
from orlop.domain.names import Reference, RepositoryName, referrers_tags
from orlop.domain.trust.claims import (
    BUNDLE_MAX,
    BUNDLES,
    DSSE,
    PAYLOAD_MAX,
    SIGNATURE_ANNOTATION,
    SIMPLE_SIGNING,
)
from orlop.domain.trust.signers import SIGNERS, Signers
from orlop.ports.signatures import FoundSignature, JudgedSignature, SignatureForm, SignatureVerifier
from orlop.ports.upstream import ContentSource
from orlop.services.access.decisions import Access
from orlop.services.content.images import Opened
from orlop.services.settings.in_force import InForce, SettingsInForce

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
}
_MAY_HOLD = frozenset({ContentKind.SIGNATURE, ContentKind.ATTESTATION})


class ImageSignature(msgspec.Struct, frozen=True, kw_only=True):
    """A signature or attestation of an image. `artifact`: the manifest that it stands in, and `tag`: under which one
    that is found, where nothing else tells of it. `signers`: the settings one of whose keys made it, as place and name.
    `predicate`: what an attestation is of. `problem`: why it does not count."""

    artifact: Digest
    tag: str
    form: SignatureForm
    signers: tuple[tuple[str, str], ...] = ()
    predicate: str = ""
    problem: str = ""


class SignerStanding(msgspec.Struct, frozen=True, kw_only=True):
    """Signers that are known at the image's place, and with how many of their keys it is signed."""

    path: str
    name: str
    required: int
    signed: int

    @property
    def is_satisfied(self) -> bool:
        """Whether it is signed with as many as are required."""
        return self.signed >= self.required


class SignatureReport(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of who signed an image. `more`: there is more than is looked at."""

    repository: RepositoryName
    reference: Reference
    digest: Digest
    signatures: tuple[ImageSignature, ...]
    signers: tuple[SignerStanding, ...]
    more: bool = False


class _Held(msgspec.Struct, frozen=True):
    artifact: Digest
    tag: str
    layer: Descriptor
    form: SignatureForm
    most: int


class ImageSignatures:
    """What may not be pulled by the caller is not there, or refused where they may know of it: see Access.check."""

    def __init__(self, access: Access, opened: Opened, settings: SettingsInForce, verifier: SignatureVerifier) -> None:
        self._access = access
        self._opened = opened
        self._settings = settings
        self._verifier = verifier

    async def of(self, caller: Caller, repository: RepositoryName, reference: Reference) -> SignatureReport:
        """Who signed it. Raises NameUnknown, ManifestUnknown, Denied, Unauthorized, Unavailable."""
        await self._access.check(caller, Action.PULL, repository=repository)
        source = self._opened(repository, caller)
        digest = Digest.stored((await source.resolve(str(reference))).digest)
        signers = await self._settings.covering(SIGNERS, repository)
        held, more = await _held(source, digest)
        contents = await asyncio.gather(*(_content(source, one) for one in held))
        keys = [(each, key) for each in signers for key in _of(each).keys]
        # A content that is too large, or gone, has been judged by that.
        asked = [content for content in contents if isinstance(content, FoundSignature)]
        said = iter(await self._verifier.judge(digest, asked, [key for _, key in keys]) if asked else ())
        judged = [next(said) if isinstance(content, FoundSignature) else content for content in contents]
        return SignatureReport(
            repository=repository,
            reference=reference,
            digest=digest,
            signatures=tuple(_told(one, verdict, keys) for one, verdict in zip(held, judged, strict=True)),
            signers=tuple(_standing(each, judged, keys) for each in signers),
            more=more,
        )


def _of(setting: InForce) -> Signers:
    signers: Signers = setting.body
    return signers


def _told(held: _Held, judged: JudgedSignature, keys: Sequence[tuple[InForce, str]]) -> ImageSignature:
    made_by = dict.fromkeys((keys[place][0].path, keys[place][0].name) for place in judged.keys)
    return ImageSignature(
        artifact=held.artifact,
        tag=held.tag,
        form=held.form,
        signers=tuple(made_by),
        predicate=judged.predicate,
        problem=judged.problem,
    )


def _standing(
    setting: InForce, judged: Sequence[JudgedSignature], keys: Sequence[tuple[InForce, str]]
) -> SignerStanding:
    """An attestation states something of an image, and is no signature of it."""
    signed = {place for one in judged if not one.predicate for place in one.keys if keys[place][0] is setting}
    return SignerStanding(path=setting.path, name=setting.name, required=_of(setting).required, signed=len(signed))


async def _held(source: ContentSource, subject: Digest) -> tuple[list[_Held], bool]:
    """The layers that hold signatures, those of referrers first; and whether there are more than are looked at."""
    found: list[tuple[str, str]] = []
    more = False
    async for entry in source.referrers(subject):
        if kind_of_type(entry.artifact_type) in _MAY_HOLD:
            if len(found) >= MANIFESTS:
                more = True
                break
            found.append((entry.digest, ""))
    found += [(str(tag), str(tag)) for tag in referrers_tags(subject) if tag.endswith((".sig", ".att"))]
    held: dict[tuple[str, str], _Held] = {}
    for start in range(0, len(found), _ASKED):
        asked = (_layers(source, *one) for one in found[start : start + _ASKED])
        for one in [each for layers in await asyncio.gather(*asked) for each in layers]:
            # A payload stands in its layer as often as it was signed, and a referrer may lie under a tag as well.
            signature = one.layer.annotations.get(SIGNATURE_ANNOTATION, "")
            held.setdefault((one.layer.digest, signature), one)
    kept: list[_Held] = []
    weight = 0
    for one in held.values():
        weight += min(one.layer.size, one.most)
        if len(kept) >= SIGNATURES or weight > _BYTES:
            return kept, True
        kept.append(one)
    return kept, more


async def _layers(source: ContentSource, reference: str, tag: str) -> list[_Held]:
    try:
        manifest = await source.fetch(reference)
        layers = parse_layers(manifest.content)
    except (ManifestUnknown, TagInvalid, ManifestInvalid, Unauthorized, Denied):
        return []
    return [_Held(manifest.digest, tag, each, *_FORMS[each.media_type]) for each in layers if each.media_type in _FORMS]


async def _content(source: ContentSource, held: _Held) -> FoundSignature | JudgedSignature:
    if held.layer.size > held.most:
        return JudgedSignature(problem=f"it has {held.layer.size} bytes, and {held.most} are looked at")
    content = bytearray()
    try:
        async with aclosing(_pieces(source, held.layer)) as pieces:
            async for piece in pieces:
                content += piece
    except BlobUnknown:
        return JudgedSignature(problem="what it stands in is gone")
    return FoundSignature(
        form=held.form,
        content=bytes(content),
        signature=held.layer.annotations.get(SIGNATURE_ANNOTATION, ""),
    )


async def _pieces(source: ContentSource, layer: Descriptor) -> AsyncGenerator[bytes, None]:
    async with aclosing(source.read_blob(Digest.stored(layer.digest), layer.size)) as pieces:
        async for piece in pieces:
            yield piece
