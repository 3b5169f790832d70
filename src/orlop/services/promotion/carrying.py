"""Carries promotions out: on terms that were made for each target, at gates of each, in one transaction."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from orlop.domain.access import Action, Caller, SubjectKind
from orlop.domain.digest import Digest
from orlop.domain.errors import Conflict, Denied, NotJudged, Refused, Stale
from orlop.domain.gates.gate import GATES, GateAt
from orlop.domain.gates.judging import Objection
from orlop.domain.manifest import EdgeKind
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.promotion.promotion import GatePassed, NewPromotion, PromotedImage, Promotion
from orlop.ports.by import By
from orlop.ports.catalog import Manifests as ManifestRows
from orlop.ports.catalog import StoredManifest
from orlop.ports.promotion import Move, PromotionOutcome, Promotions
from orlop.ports.terms import Terms
from orlop.services.access.decisions import Access
from orlop.services.content.manifests import unknown_manifest
from orlop.services.gates.naming import image_words
from orlop.services.gates.said import read
from orlop.services.gates.verdicts import GateVerdicts
from orlop.services.promotion.outcomes import Became, Counting, uncounted
from orlop.services.settings.in_force import InForce, SettingsInForce
from orlop.services.tags.terms import WriteTerms

#: How often it is tried while clients sign what is promoted.
_TRIES = 4

#: Told of a promotion that was carried out.
Decided = Callable[[Promotion], Awaitable[None]]


async def nobody_told(promotion: Promotion) -> None:
    """Where nothing follows a decision."""


class CarryingOut:
    """`decided` is told once a promotion is done, after its transaction."""

    def __init__(
        self,
        access: Access,
        settings: SettingsInForce,
        manifests: ManifestRows,
        terms: WriteTerms,
        verdicts: GateVerdicts,
        rows: Promotions,
        decided: Decided = nobody_told,
        counted: Counting = uncounted,
    ) -> None:
        self._access = access
        self._settings = settings
        self._manifests = manifests
        self._terms = terms
        self._verdicts = verdicts
        self._rows = rows
        self._decided = decided
        self._counted = counted

    async def check(self, caller: Caller, images: Sequence[PromotedImage]) -> None:
        """Raise what a promotion would be refused with now, as far as that is known before it is done."""
        for image in images:
            move = await self._move(caller, image, 0)
            if await self._manifests.resolve(image.target, image.digest) is None and move.terms.content is not None:
                raise move.terms.content
            if image.target_tag is not None:
                there = await self._manifests.resolve(image.target, image.target_tag)
                move.terms.sets(image.target_tag, there.digest if there is not None else None, image.digest)

    async def out(
        self, caller: Caller, promotion: NewPromotion | Promotion, by: By, version: Callable[[], Awaitable[int]]
    ) -> PromotionOutcome:
        """Carry one out by the rights of a caller, or of nobody: a pipeline by itself. `version` is that of the
        settings that its pipeline was read from, and raises where the pipeline does not let it be. Raises what refuses
        it; nothing is kept then."""
        for left in reversed(range(_TRIES)):
            try:
                outcome = await self._once(caller, promotion, by, version)
                break
            except Stale as moved:
                if not left or not isinstance(moved.detail, dict) or "tag" not in moved.detail:
                    raise
        if outcome.promotion is not None:
            self._counted(Became.DONE)
            await self._decided(outcome.promotion)
        return outcome

    async def _once(
        self, caller: Caller, promotion: NewPromotion | Promotion, by: By, version: Callable[[], Awaitable[int]]
    ) -> PromotionOutcome:
        made: list[Move] = []

        async def make() -> Terms:
            made.clear()
            at = await version()
            made.extend([await self._move(caller, image, at) for image in promotion.images])
            return made[0].terms

        return await self._terms.keep(make, lambda _: self._rows.carry_out(promotion, made, by))

    async def _move(self, caller: Caller, image: PromotedImage, version: int) -> Move:
        """One image on its terms. Raises what pulling it, or a gate, is refused with."""
        by_itself = caller.subject.kind is SubjectKind.SYSTEM
        if not by_itself:
            await self._access.check(caller, Action.PULL, repository=image.repository)
        manifest = await self._manifests.resolve(image.repository, image.digest)
        if manifest is None:
            raise unknown_manifest(image.repository, image.digest)
        beside: tuple[Tag, ...] = ()
        if image.repository != image.target:
            beside = await self._rows.beside(image.repository, image.digest)
        gates, passed = await self._pass(caller, image, manifest)
        tags = (*beside, *((image.target_tag,) if image.target_tag is not None else ()))
        made = self._terms.by_itself if by_itself else self._terms.push
        terms = await made(caller, image.target, tags)
        versions = [each for each in (version, gates, terms.settings) if each]
        return Move(image, beside, msgspec.structs.replace(terms, settings=min(versions, default=0)), passed)

    async def _pass(
        self, caller: Caller, image: PromotedImage, manifest: StoredManifest
    ) -> tuple[int, tuple[GatePassed, ...]]:
        """The version of settings by which no gate refuses an image, and what each said. Raises Denied."""
        version, _ = await self._settings.versioned(GATES, image.target)
        await self._may_leave(caller, image, manifest)
        gates = await self._verdicts.gates(image.target, GateAt.PUSH, GateAt.PROMOTION)
        if not gates:
            return version, ()
        verdict = await self._verdicts.of(image.repository, manifest, gates, image.target)
        refusal = verdict.refusal
        saying = tuple(gate for gate in gates if gate.body.needs_config)
        if refusal is None and saying:
            refusal = await self._listed_refused(image, manifest, saying)
        if refusal is not None:
            raise _refused(image.target, image.target_tag or image.digest, refusal)
        warned = {(one.gate, one.path): one.why for one in verdict.objections}
        return version, tuple(
            GatePassed(each.name, each.path, str(each.body.mode), warned.get((each.name, each.path), ""))
            for each in gates
        )

    async def _listed_refused(
        self, image: PromotedImage, manifest: StoredManifest, gates: tuple[InForce, ...]
    ) -> Objection | None:
        """What gates about what images say of themselves have against one that an index lists, however deep: each comes
        to the target with it."""
        front, seen = [manifest], {manifest.digest}
        while front:
            parsed = read(front.pop())
            listed = [edge.digest for edge in parsed.edges if edge.kind is EdgeKind.MANIFEST] if parsed else []
            for digest in listed:
                if digest in seen:
                    continue
                seen.add(digest)
                found = await self._manifests.resolve(image.repository, digest)
                if found is None:
                    continue  # an index may list what it is sparse of
                refusal = (await self._verdicts.of(image.repository, found, gates, image.target)).refusal
                if refusal is not None:
                    return refusal
                front.append(found)
        return None

    async def _may_leave(self, caller: Caller, image: PromotedImage, manifest: StoredManifest) -> None:
        """Raises Denied for what a gate at pulls holds back from the caller where it is: it is not pulled elsewhere;
        Conflict for what waits in quarantine there."""
        verdict = await self._verdicts.at_pull(image.repository, manifest)
        if verdict.held is not None:
            words = image_words(image.repository, image.tag or image.digest, "")
            raise Conflict(f"{words} waits in quarantine; it has to be let out there", {"reference": image.digest})
        refusal = verdict.refusal
        if refusal is None:
            return
        by_itself = caller.subject.kind is SubjectKind.SYSTEM
        if not by_itself and await self._access.allows(caller, Action.PULL_HELD, repository=image.repository):
            return
        raise _refused(image.repository, image.tag or image.digest, refusal)


def _refused(repository: RepositoryName, reference: Tag | Digest, refusal: Objection) -> Denied:
    sentence = refusal.sentence(image_words(repository, reference, refusal.path))
    detail = {"gate": refusal.gate, "at": refusal.path}
    if refusal.waiting:
        return NotJudged(sentence, detail, kind=GATES.kind)
    denied = Denied(sentence, detail, kind=GATES.kind)
    tag = str(reference) if isinstance(reference, Tag) else ""
    denied.refused = Refused("promote", repository, sentence, tag)
    return denied
