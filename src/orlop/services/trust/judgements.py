"""Verdicts on all signatures of an image, by the signers that are in force at its place; found once, then kept."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.durations import SECOND
from orlop.domain.errors import Unavailable
from orlop.domain.names import RepositoryName
from orlop.domain.settings import place_words
from orlop.domain.trust.signers import SIGNERS, Signers
from orlop.ports.catalog import Holdings
from orlop.ports.clock import Clock
from orlop.ports.signatures import FoundSignature, JudgedSignature, NamedSigners, SignatureNews, SignatureVerifier
from orlop.ports.upstream import ContentSource
from orlop.services.settings.in_force import InForce, SettingsInForce
from orlop.services.trust.found import GONE, HeldSignature, content_of, held_signatures
from orlop.services.trust.kept import KeptVerdicts, question_of, signature_of

#: Indexes that list an image whose signatures count for it.
_INDEXES = 8
#: Images of which signatures are looked at by one process at once, as far as they differ in their digests.
_TURNS = 64


class Judgements(msgspec.Struct, frozen=True, kw_only=True):
    """`held` and `verdicts` go together. `signers`: those that are asked about, by whose places the verdicts name them.
    `more`: there are more signatures than are looked at. `until`: when a verdict may be another though nothing changes,
    in microseconds since 1970; 0: never."""

    signers: tuple[InForce, ...]
    held: tuple[HeldSignature, ...]
    verdicts: tuple[JudgedSignature, ...]
    more: bool = False
    until: int = 0

    def signed(self, place: int) -> int:
        """How many of the keys, identities and subjects of signers made what they have to. Who signed twice is one that
        signed."""
        made = (maker for one in self.verdicts for maker in one.makers if maker.signers == place and maker.counts)
        return len({maker.party for maker in made})

    def is_satisfied(self, place: int) -> bool:
        """Whether as many have signed as signers demand."""
        return self.signed(place) >= signers_of(self.signers[place]).required


class Watch(Protocol):
    """Hears of what is done."""

    def kept(self, count: int) -> None:
        """So many verdicts were known."""
        ...

    def verified(self, counting: int, refused: int, seconds: float) -> None:
        """So many signatures were looked at, that count for somebody, and for nobody."""
        ...

    def failed(self, count: int) -> None:
        """So many could not be looked at: they took too much time or memory."""
        ...


class ImageJudgements:
    """What verifies signatures, wherever it is asked for. Nothing here asks for rights."""

    def __init__(
        self,
        holdings: Holdings,
        settings: SettingsInForce,
        verifier: SignatureVerifier,
        kept: KeptVerdicts,
        clock: Clock,
        told: Watch,
    ) -> None:
        self._holdings = holdings
        self._settings = settings
        self._verifier = verifier
        self._kept = kept
        self._clock = clock
        self._told = told
        self._turns = tuple(asyncio.Lock() for _ in range(_TURNS))

    async def of(
        self, source: ContentSource, repository: RepositoryName, digest: Digest, ruled_by: RepositoryName
    ) -> Judgements:
        """Of an image of a repository, which is read by `source`, by the signers of `ruled_by`. Raises Unavailable
        where they cannot be looked at."""
        signers = tuple(await self._settings.covering(SIGNERS, ruled_by))
        subjects = (digest, *await self._holdings.indexes(repository, digest, _INDEXES))
        held, more = await held_signatures(source, subjects)
        named = [NamedSigners(said_of(each), signers_of(each)) for each in signers]
        verdicts: tuple[JudgedSignature, ...] = ()
        if held:
            # Those who ask about one image at once wait for the first of them, and find what it found.
            async with self._turns[hash(digest) % _TURNS]:
                verdicts = await self._verdicts(source, repository, digest, subjects, held, named)
        until = min((one.until for one in verdicts if one.until), default=0)
        return Judgements(signers=signers, held=tuple(held), verdicts=verdicts, more=more, until=until * SECOND)

    async def _verdicts(
        self,
        source: ContentSource,
        repository: RepositoryName,
        image: Digest,
        subjects: Sequence[Digest],
        held: Sequence[HeldSignature],
        signers: Sequence[NamedSigners],
    ) -> tuple[JudgedSignature, ...]:
        now = self._clock.now()
        question = question_of(subjects, signers)
        names = [signature_of(one) for one in held]
        known = dict(await self._kept.get(image, question, names, now))
        missing = {name: one for name, one in zip(names, held, strict=True) if name not in known}
        self._told.kept(len(names) - len(missing))
        if missing:
            contents = await asyncio.gather(*(content_of(source, one) for one in missing.values()))
            judged = await self._judged(subjects, contents, signers, now)
            found = dict(zip(missing, judged, strict=True))
            known |= found
            lasting = {name: one for name, one in known.items() if one.problem != GONE}
            news = _news(repository, found, signers) if signers else SignatureNews(repository=repository)
            await self._kept.keep(image, question, lasting, news, now)
        return tuple(known[name] for name in names)

    async def _judged(
        self,
        subjects: Sequence[Digest],
        contents: Sequence[FoundSignature | JudgedSignature],
        signers: Sequence[NamedSigners],
        now: int,
    ) -> tuple[JudgedSignature, ...]:
        """A verdict on each; a content that is too large, or gone, has been judged by that."""
        asked = [content for content in contents if isinstance(content, FoundSignature)]
        judged: tuple[JudgedSignature, ...] = ()
        if asked:
            try:
                judged = await self._verifier.judge(subjects, asked, signers, now // SECOND)
            except Unavailable:
                self._told.failed(len(asked))
                raise
        said = iter(judged)
        verdicts = tuple(next(said) if isinstance(content, FoundSignature) else content for content in contents)
        counting = sum(map(_counts, verdicts))
        self._told.verified(counting, len(verdicts) - counting, max(0, self._clock.now() - now) / SECOND)
        return verdicts


def signers_of(setting: InForce) -> Signers:
    """What stands in a setting of that kind."""
    signers: Signers = setting.body
    return signers


def said_of(setting: InForce) -> str:
    """How signers are called to people."""
    return f"{setting.name} at {place_words(setting.path)}"


def _counts(judged: JudgedSignature) -> bool:
    """Whether a signature counts for any signers."""
    return any(maker.counts for maker in judged.makers)


def _news(
    repository: RepositoryName, found: Mapping[str, JudgedSignature], signers: Sequence[NamedSigners]
) -> SignatureNews:
    verified = {
        name: f"signed by {one.who or 'a key'}, for {signers[next(m.signers for m in one.makers if m.counts)].name}"
        for name, one in found.items()
        if _counts(one)
    }
    refused = {name: one.problem for name, one in found.items() if not _counts(one) and one.problem != GONE}
    return SignatureNews(repository=repository, verified=verified, refused=refused)
