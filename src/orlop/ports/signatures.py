"""Says by whom something was signed."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.trust.signers import Signers


class SignatureForm(StrEnum):
    """How a signature is written."""

    SIMPLE = "simple"
    """A payload of cosign, whose signature stands beside it."""
    ENVELOPE = "envelope"
    """A DSSE envelope: an attestation of cosign."""
    BUNDLE = "bundle"
    """A bundle of Sigstore."""
    JWS = "jws"
    """A signature of Notation as JSON."""
    COSE = "cose"
    """A signature of Notation as CBOR."""


class FoundSignature(msgspec.Struct, frozen=True, kw_only=True):
    """A signature as it is stored, with the annotations of the layer that it stands in."""

    form: SignatureForm
    content: bytes
    annotations: Mapping[str, str] = {}


class NamedSigners(msgspec.Struct, frozen=True):
    """Signers, as they are called to people."""

    name: str
    signers: Signers


class Maker(msgspec.Struct, frozen=True, kw_only=True):
    """Who made a signature: the signers by their place among those that were asked about, and which of their keys,
    identities and subjects it is. `counts`: whether it is what these signers have to make."""

    signers: int
    party: str
    counts: bool


class JudgedSignature(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to a signature. `subject`: which of the digests that were asked about it is of; `makers`: those of
    the signers that made it, each once; `who`: as whom, for people; `problem`: why it counts for nobody, or, for
    people, not for some of them; `refusals`: why not, by the place of those for whom it does not count. An attestation
    says what it is of by `predicate`, the type of its statement. `until`: when the verdict may be another though
    nothing changes, in seconds since 1970; 0: never."""

    subject: str = ""
    makers: tuple[Maker, ...] = ()
    who: str = ""
    predicate: str = ""
    problem: str = ""
    refusals: dict[int, str] = {}
    until: int = 0


class SignatureVerifier(Protocol):
    """Looks at signatures in a process that can be killed."""

    async def judge(
        self, subjects: Sequence[Digest], found: Sequence[FoundSignature], signers: Sequence[NamedSigners], now: int
    ) -> tuple[JudgedSignature, ...]:
        """Each of them, for an image that goes by these digests, at a time in seconds since 1970. Raises Unavailable
        where the process came to no end."""
        ...


#: The version of what judges: verdicts of another one are found anew.
JUDGED_BY = 2


class KeptJudgement(msgspec.Struct, frozen=True, kw_only=True):
    """Verdicts on signatures of an image, by the hash of each; `at`: when the last was found, in microseconds since
    1970."""

    at: int
    verdicts: dict[str, JudgedSignature]


class SignatureNews(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out a moment ago of signatures of an image, by the hash of each, as sentences: those that count
    for signers at its repository, and those that count for none of them."""

    repository: str
    verified: dict[str, str] = {}
    refused: dict[str, str] = {}


class SignatureVerdicts(Protocol):
    """Keeps verdicts, for all processes."""

    async def of(self, image: Digest, question: str) -> KeptJudgement | None:
        """What was found of an image when this was asked; `question` is a hash."""
        ...

    async def keep(self, image: Digest, question: str, judgement: KeptJudgement, news: SignatureNews) -> None:
        """In place of what was found before. Of one image the latest questions are kept, `QUESTIONS` of them; of an
        image that no repository holds, nothing. Of `news` that is told as events which was not so before."""
        ...

    async def forget(self) -> int:
        """Remove what is known of images that nothing holds any more, in short steps; how many rows."""
        ...


#: Questions of one image whose answers are kept: one for each place with other signers that holds it.
QUESTIONS = 16
