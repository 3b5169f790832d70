"""Who signed an image, as far as it is known at its place, for whoever may pull it."""

from collections.abc import Sequence

import msgspec

from orlop.domain.access import Action, Caller
from orlop.domain.digest import Digest
from orlop.domain.names import Reference, RepositoryName
from orlop.ports.signatures import JudgedSignature, SignatureForm
from orlop.services.access.decisions import Access
from orlop.services.content.images import Opened
from orlop.services.settings.in_force import InForce
from orlop.services.trust.found import HeldSignature
from orlop.services.trust.judgements import ImageJudgements, Judgements, signers_of


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

    def __init__(self, access: Access, opened: Opened, judgements: ImageJudgements) -> None:
        self._access = access
        self._opened = opened
        self._judgements = judgements

    async def of(self, caller: Caller, repository: RepositoryName, reference: Reference) -> SignatureReport:
        """Who signed it. Raises NameUnknown, ManifestUnknown, Denied, Unauthorized, Unavailable."""
        await self._access.check(caller, Action.PULL, repository=repository)
        source = self._opened(repository, caller)
        digest = Digest.stored((await source.resolve(str(reference))).digest)
        found = await self._judgements.of(source, repository, digest, repository)
        told = (_told(one, verdict, found.signers) for one, verdict in zip(found.held, found.verdicts, strict=True))
        return SignatureReport(
            repository=repository,
            reference=reference,
            digest=digest,
            signatures=tuple(told),
            signers=tuple(_standing(found, place) for place in range(len(found.signers))),
            more=found.more,
        )


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


def _standing(found: Judgements, place: int) -> SignerStanding:
    setting = found.signers[place]
    required = signers_of(setting).required
    return SignerStanding(path=setting.path, name=setting.name, required=required, signed=found.signed(place))
