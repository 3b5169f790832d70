"""Whether an image is signed by certain signers, for what has to know it whoever asks: gates."""

from collections.abc import Sequence

import msgspec

from orlop.domain.access.subjects import SYSTEM, Caller
from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName
from orlop.services.content.images import Opened
from orlop.services.trust.judgements import ImageJudgements, Judgements, signers_of

#: Reasons that are told of signers, and characters of all.
_REASONS, _WHY_MAX = 3, 600


class MissingSigners(msgspec.Struct, frozen=True):
    """Signers who have not signed an image. `path`: the place at which they are set. `why`: why what there is does not
    count, as a sentence without its end. `known`: False where no signers of that name are in force at the image."""

    name: str
    path: str
    why: str
    known: bool = True


class SignedBy(msgspec.Struct, frozen=True, kw_only=True):
    """Whether all of the signers that were asked about signed an image. `missing`: those who have not; `until`: when
    the answer may be another though nothing changes, in microseconds since 1970; 0: never."""

    missing: tuple[MissingSigners, ...] = ()
    until: int = 0

    @property
    def is_satisfied(self) -> bool:
        """Whether nobody is missing."""
        return not self.missing

    @property
    def why(self) -> str:
        """Who has not signed, and why what there is does not count: what follows the name of the image in a sentence;
        empty where nobody is missing."""
        return "; ".join(f"is not signed by {one.name}: {one.why}" for one in self.missing)


class ImageTrust:
    """See the module."""

    def __init__(self, opened: Opened, judgements: ImageJudgements) -> None:
        self._opened = opened
        self._judgements = judgements

    async def signed_by(
        self,
        repository: RepositoryName,
        digest: Digest,
        names: Sequence[str],
        ruled_by: RepositoryName | None = None,
    ) -> SignedBy:
        """Whether a manifest is signed, or attested, as all signers of these names demand that are in force at its
        place; those of one name at several places all have to be satisfied. An index's signature counts for what it
        lists. `ruled_by`: the repository whose signers are in force, where that is another than the one that holds the
        image. It asks for no rights. Raises Unavailable where that cannot be found out now.

        It may be another when the repository's content, a setting, or the time `until` changes it.
        """
        found = await self._judgements.of(
            self._opened(repository, Caller(SYSTEM)), repository, digest, ruled_by or repository
        )
        missing: list[MissingSigners] = []
        for name in dict.fromkeys(names):
            places = [place for place, each in enumerate(found.signers) if each.name == name]
            if not places:
                missing.append(MissingSigners(name, "", "no signers of that name are set here", known=False))
            missing += [
                MissingSigners(name, found.signers[place].path, _why(found, place))
                for place in places
                if not found.is_satisfied(place)
            ]
        return SignedBy(missing=tuple(missing), until=found.until)


def _why(found: Judgements, place: int) -> str:
    """Why the signatures that there are do not make it signed by signers."""
    if not found.held:
        return "nobody signed it"
    required, signed = signers_of(found.signers[place]).required, found.signed(place)
    reasons = [
        reason
        for one in found.verdicts
        for reason in ((one.problem,) if not one.subject else (one.refusals.get(place, ""),))
        if reason
    ]
    told = "; ".join(list(dict.fromkeys(reasons))[:_REASONS])
    if signed:
        told = f"{signed} of {required} that have to signed it" + (f"; {told}" if told else "")
    if found.more:
        told += "; there are more signatures than are looked at"
    return told[:_WHY_MAX]
