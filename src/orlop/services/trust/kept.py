"""Verdicts on signatures, kept for as long as nothing that they rest on changes: in the catalog for all processes, and
in the memory of each."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.durations import SECOND
from orlop.domain.errors import Unavailable
from orlop.ports.signatures import (
    JUDGED_BY,
    JudgedSignature,
    KeptJudgement,
    NamedSigners,
    SignatureNews,
    SignatureVerdicts,
)
from orlop.services.trust.found import HeldSignature

#: Images that a process remembers the verdicts of.
REMEMBERED = 1_000

_Verdicts = Mapping[str, JudgedSignature]


class KeptVerdicts:
    """By what is signed, by each signature of it, and by the signers with their roots: what changes is another."""

    def __init__(self, store: SignatureVerdicts) -> None:
        self._store = store
        self._known: OrderedDict[tuple[Digest, str], KeptJudgement] = OrderedDict()

    async def get(self, image: Digest, question: str, signatures: Sequence[str], now: int) -> _Verdicts:
        """Those of these signatures that are known; `now` in microseconds since 1970."""
        known = self._valid(self._known.get((image, question)), now)
        if any(each not in known for each in signatures):
            kept = await self._store.of(image, question)
            if kept is not None:
                self._remember(image, question, kept)
            known = {**self._valid(kept, now), **known}
        else:
            self._known.move_to_end((image, question))
        return {each: known[each] for each in signatures if each in known}

    async def keep(self, image: Digest, question: str, verdicts: _Verdicts, news: SignatureNews, now: int) -> None:
        """Keep what was found: all that is known of an image. Where the catalog takes nothing, this process alone knows
        it."""
        judgement = KeptJudgement(at=now, verdicts=dict(verdicts))
        self._remember(image, question, judgement)
        with suppress(Unavailable):
            await self._store.keep(image, question, judgement, news)

    def _remember(self, image: Digest, question: str, judgement: KeptJudgement) -> None:
        self._known[image, question] = judgement
        self._known.move_to_end((image, question))
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def _valid(self, kept: KeptJudgement | None, now: int) -> _Verdicts:
        """What holds now of what was found once. A clock that was set back knows nothing of what came later."""
        if kept is None or now < kept.at:
            return {}
        return {name: one for name, one in kept.verdicts.items() if not one.until or now < one.until * SECOND}


def question_of(subjects: Sequence[Digest], signers: Sequence[NamedSigners]) -> str:
    """What is asked of each signature of an image, as one hash: by which digests it goes, and whose signatures are
    looked for, with their roots."""
    return _hashed((JUDGED_BY, list(map(str, subjects)), signers))


def signature_of(held: HeldSignature) -> str:
    """A signature, with all that stands beside it, as one hash."""
    return _hashed((held.layer.digest, held.layer.size, held.layer.annotations, held.form))


def _hashed(said: object) -> str:
    return hashlib.sha256(msgspec.msgpack.encode(said, order="deterministic")).hexdigest()
