"""Who signed an image, as far as it is known at its place, for whoever may pull it."""

import asyncio
from collections.abc import Sequence

import msgspec

from orlop.domain.access import Action, Caller
from orlop.domain.digest import Digest
from orlop.domain.durations import SECOND
from orlop.domain.names import Reference, RepositoryName
from orlop.domain.settings import place_words
from orlop.domain.trust.signers import SIGNERS, Signers
from orlop.ports.catalog import Holdings
from orlop.ports.clock import Clock
from orlop.ports.signatures import FoundSignature, JudgedSignature, NamedSigners, SignatureForm, SignatureVerifier
from orlop.services.access.decisions import Access
from orlop.services.content.images import Opened
from orlop.services.settings.in_force import InForce, SettingsInForce
from orlop.services.trust.found import GONE, HeldSignature, content_of, held_signatures
from orlop.services.trust.kept import KeptVerdicts, verdict_key

#: Indexes that list an image whose signatures count for it.
_INDEXES = 8


class ImageSignature(msgspec.Struct, frozen=True, kw_only=True):
    """A signature or attestation of an image. `artifact`: the manifest that it stands in, and `tag`: under which one
    that is found, where nothing else tells of it. `subject`: the digest that it signs, that of an index where it does
    so; empty where it is none of these. `signers`: the settings that it was made by, as place and name; `who`: as whom.
    `predicate`: what an attestation is of. `problem`: why it does not count for some."""

    artifact: Digest
    tag: str
    form: SignatureForm
    subject: str = ""
    signers: tuple[tuple[str, str], ...] = ()
    who: str = ""
    predicate: str = ""
    problem: str = ""


class SignerStanding(msgspec.Struct, frozen=True, kw_only=True):
    """Signers that are known at the image's place, and how many of them signed it, or attested what they have to."""

    path: str
    name: str
    required: int
    signed: int

    @property
    def is_satisfied(self) -> bool:
        """Whether it is signed by as many as are required."""
        return self.signed >= self.required


class SignatureReport(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of who signed an image. `more`: there is more than is looked at."""

    repository: RepositoryName
    reference: Reference
    digest: Digest
    signatures: tuple[ImageSignature, ...]
    signers: tuple[SignerStanding, ...]
    more: bool = False


class ImageSignatures:
    """What may not be pulled by the caller is not there, or refused where they may know of it: see Access.check."""

    def __init__(
        self,
        access: Access,
        opened: Opened,
        holdings: Holdings,
        settings: SettingsInForce,
        verifier: SignatureVerifier,
        clock: Clock,
    ) -> None:
        self._access = access
        self._opened = opened
        self._holdings = holdings
        self._settings = settings
        self._verifier = verifier
        self._clock = clock
        self._kept = KeptVerdicts()

    async def of(self, caller: Caller, repository: RepositoryName, reference: Reference) -> SignatureReport:
        """Who signed it. Raises NameUnknown, ManifestUnknown, Denied, Unauthorized, Unavailable."""
        await self._access.check(caller, Action.PULL, repository=repository)
        source = self._opened(repository, caller)
        digest = Digest.stored((await source.resolve(str(reference))).digest)
        subjects = (digest, *await self._holdings.indexes(repository, digest, _INDEXES))
        signers = await self._settings.covering(SIGNERS, repository)
        held, more = await held_signatures(source, subjects)
        key = verdict_key(subjects, held, named := [_named(each) for each in signers])
        now = self._clock.now()
        judged = self._kept.get(key, now)
        if judged is None:
            contents = await asyncio.gather(*(content_of(source, one) for one in held))
            judged = await self._judged(subjects, contents, named, now)
            if all(isinstance(each, FoundSignature) or each.problem != GONE for each in contents):
                self._kept.put(key, now, judged)
        return SignatureReport(
            repository=repository,
            reference=reference,
            digest=digest,
            signatures=tuple(_told(one, verdict, signers) for one, verdict in zip(held, judged, strict=True)),
            signers=tuple(_standing(place, each, judged) for place, each in enumerate(signers)),
            more=more,
        )

    async def _judged(
        self,
        subjects: Sequence[Digest],
        contents: Sequence[FoundSignature | JudgedSignature],
        signers: Sequence[NamedSigners],
        now: int,
    ) -> tuple[JudgedSignature, ...]:
        """A verdict on each; a content that is too large, or gone, has been judged by that."""
        asked = [content for content in contents if isinstance(content, FoundSignature)]
        said = iter(await self._verifier.judge(subjects, asked, signers, now // SECOND) if asked else ())
        return tuple(next(said) if isinstance(content, FoundSignature) else content for content in contents)


def _of(setting: InForce) -> Signers:
    signers: Signers = setting.body
    return signers


def _named(setting: InForce) -> NamedSigners:
    return NamedSigners(f"{setting.name} at {place_words(setting.path)}", _of(setting))


def _told(held: HeldSignature, judged: JudgedSignature, signers: Sequence[InForce]) -> ImageSignature:
    made_by = (signers[maker.signers] for maker in judged.makers)
    return ImageSignature(
        artifact=held.artifact,
        tag=held.tag,
        form=held.form,
        subject=judged.subject,
        signers=tuple((each.path, each.name) for each in made_by),
        who=judged.who,
        predicate=judged.predicate,
        problem=judged.problem,
    )


def _standing(place: int, setting: InForce, judged: Sequence[JudgedSignature]) -> SignerStanding:
    """Who signed twice is one that signed."""
    made = (maker for one in judged for maker in one.makers if maker.signers == place and maker.counts)
    signed = len({maker.party for maker in made})
    return SignerStanding(path=setting.path, name=setting.name, required=_of(setting).required, signed=signed)
