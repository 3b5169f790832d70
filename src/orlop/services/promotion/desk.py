"""Promotions, for whoever asks for one, decides, looks, or goes back."""

from collections.abc import Sequence

import msgspec

from orlop.domain.access import Caller
from orlop.domain.access.subjects import SYSTEM
from orlop.domain.digest import Digest
from orlop.domain.errors import Conflict, Denied, NotFound, RegistryError, Stale, Unauthorized, Unavailable
from orlop.domain.names import Reference, RepositoryName
from orlop.domain.pages import Page, PageRequest
from orlop.domain.promotion.promotion import NewPromotion, Promotion, PromotionState
from orlop.ports.catalog import by
from orlop.ports.promotion import PromotionOutcome, Promotions
from orlop.ports.terms import Terms
from orlop.services.content.manifests import Manifests
from orlop.services.management.operations import Gate, Operation
from orlop.services.management.pages import seen
from orlop.services.promotion.approving import Approvers
from orlop.services.promotion.asking import Asking
from orlop.services.promotion.bundles import AT_ONCE, Wanted
from orlop.services.promotion.carrying import CarryingOut
from orlop.services.promotion.deciding import Deciding, author
from orlop.services.promotion.outcomes import Became, Counting, uncounted
from orlop.services.tags.terms import WriteTerms


class MayDecide(msgspec.Struct, frozen=True):
    """What of a promotion that waits is up to somebody."""

    approve: bool = False
    refuse: bool = False


class PromotionDesk:
    """See the module."""

    def __init__(
        self,
        gate: Gate,
        manifests: Manifests,
        asking: Asking,
        terms: WriteTerms,
        rows: Promotions,
        approvers: Approvers,
        carrying: CarryingOut,
        deciding: Deciding,
        counted: Counting = uncounted,
    ) -> None:
        self._gate = gate
        self._manifests = manifests
        self._asking = asking
        self._terms = terms
        self._rows = rows
        self._approvers = approvers
        self._carrying = carrying
        self._deciding = deciding
        self._counted = counted

    async def promote(
        self, caller: Caller, images: Wanted, stage: str, pipeline: str = "", shown: Sequence[Digest] = ()
    ) -> PromotionOutcome:
        """Promote images as one: done at once, or waiting for approvals. Each is meant by the digest that it has now,
        which is that in `shown`, where that is said.

        Raises RequestInvalid where no pipeline leads there; what pulling a source or pushing a target is refused with,
        Denied where a gate refuses one, NotJudged where that is not known yet, Stale where one is not what was shown:
        before anything is written.
        """
        return await self._promote(caller, await self._asking.images(caller, images, stage, pipeline, shown))

    async def promote_bundle(
        self, caller: Caller, name: str, stage: str, pipeline: str = "", path: str | None = None
    ) -> PromotionOutcome:
        """Promote the images of a bundle as one, by the digests that the bundle holds. `path`: its place. Raises as
        promote, and as BundleDesk.get."""
        return await self._promote(caller, await self._asking.bundle(caller, name, stage, pipeline, path))

    async def _promote(self, caller: Caller, asked: NewPromotion) -> PromotionOutcome:
        try:
            outcome = await self._now_or_later(caller, asked)
        except Denied:
            self._counted(Became.HELD_BACK)
            raise
        if outcome.promotion is not None and outcome.promotion.state is PromotionState.WAITING:
            self._counted(Became.WAITING)
        return outcome

    async def _now_or_later(self, caller: Caller, asked: NewPromotion) -> PromotionOutcome:
        now = self._gate.now()
        if asked.needed or asked.due_at:
            await self._carrying.check(caller, asked.images)
            return PromotionOutcome(await self._rows.ask(asked, by(caller, now)))

        async def version() -> int:
            again = await self._deciding.way(asked)
            if again[1].pipeline.needed(asked.stage) or again[1].pipeline.opens(asked.stage, now) > now:
                raise Stale(f"{asked.stage} does not take it at once any more; ask again", {"stage": asked.stage})
            return again[0]

        return await self._carrying.out(caller, asked, by(caller, now), version)

    async def approve(self, caller: Caller, number: int) -> PromotionOutcome:
        """Agree to the digests of a promotion; with the last approval that it takes it is carried out, by the rights of
        its author. Who agreed before tries that again.

        Raises NotFound, Denied, Stale; what carrying it out is refused with: the approval stands, and it goes on
        waiting.
        """
        promotion = await self._open(caller, number)
        if caller.subject.id == promotion.asked_id:
            did = f"put promotion {number} on its way" if promotion.automatic else f"asked for promotion {number}"
            raise Denied(f"{caller.subject.name} {did}, and somebody else has to approve it")
        _, way = await self._deciding.way(promotion)
        await self._approvers.check(caller, promotion, way)
        who = by(caller, self._gate.now())
        promotion = await self._rows.approve(number, caller.subject.id, who)
        return await self._deciding.out(promotion, who, who.at)

    async def refuse(self, caller: Caller, number: int, reason: str) -> Promotion:
        """End a promotion that waits: whoever may approve it may, and its author. Raises NotFound, Denied, Stale."""
        promotion = await self._open(caller, number)
        if not promotion.is_of(caller.subject.id):
            _, way = await self._deciding.way(promotion)
            await self._approvers.check(caller, promotion, way)
        ended = await self._rows.end(number, PromotionState.REFUSED, reason, by(caller, self._gate.now()))
        self._counted(Became.REFUSED)
        return ended

    async def trial(self, caller: Caller, number: int) -> str:
        """What one that waits would be refused with now, by the rights of its author, as a sentence; empty: with
        nothing. Nothing is written. For its author, and for whoever may decide. Raises NotFound, Denied, Stale where it
        waits no more, Unavailable."""
        promotion = await self.get(caller, number)
        if promotion.state is not PromotionState.WAITING:
            raise Stale(f"promotion {number} is {promotion.state.word}", {"promotion": number})
        own = promotion.is_of(caller.subject.id)
        for image in promotion.images if not own else ():
            await self._gate.check(caller, Operation.PROMOTION_DECIDE, repository=image.target)
        try:
            _, way = await self._deciding.way(promotion)
        except Conflict as moved:
            return moved.message
        if not own:
            await self._approvers.check(caller, promotion, way)
        try:
            await self._carrying.check(author(promotion), promotion.images)
        except Unavailable:
            raise
        except RegistryError as refusal:
            return refusal.message
        return ""

    async def may_decide(self, caller: Caller, promotion: Promotion) -> MayDecide:
        """What of one that waits is up to somebody who sees it."""
        if promotion.state is not PromotionState.WAITING:
            return MayDecide()
        if promotion.is_of(caller.subject.id):
            return MayDecide(refuse=True)
        try:
            for image in promotion.images:
                await self._gate.check(caller, Operation.PROMOTION_DECIDE, repository=image.target)
            _, way = await self._deciding.way(promotion)
            await self._approvers.check(caller, promotion, way)
        except (Conflict, Denied, NotFound, Unauthorized):
            return MayDecide()
        put_there = bool(caller.subject.id) and caller.subject.id == promotion.asked_id
        return MayDecide(approve=not put_there, refuse=True)

    async def may_roll_back(self, caller: Caller, promotion: Promotion) -> bool:
        """Whether it is up to somebody who sees one to go back to what was there before: nothing came after it where
        its first image went. Of the others that is found out when it is done."""
        if promotion.state is not PromotionState.DONE:
            return False
        newest = await self._rows.newest(promotion.images[0].target)
        if newest is None or newest.id != promotion.id:
            return False
        for image in promotion.images:
            if not await self._gate.may(caller, Operation.PROMOTION_ROLL_BACK, repository=image.target):
                return False
        return True

    async def roll_back(
        self, caller: Caller, repository: RepositoryName, reason: str, number: int | None = None
    ) -> Promotion:
        """Undo the last promotion into a repository, with all images that were promoted as one: tags that it moved
        point at what they were; where it moved none, those that it set are removed. What it linked stays. `number`:
        which is meant to be the last.

        Raises NotFound where there is none, Stale where a tag was changed since, or another is the last; Denied.
        """
        await self._gate.check(caller, Operation.PROMOTION_ROLL_BACK, repository=repository)
        promotion = await self._rows.newest(repository)
        if promotion is None:
            raise NotFound(f"no promotion into {repository} is to be rolled back", {"repository": repository})
        if number is not None and promotion.id != number:
            raise Stale(f"promotion {promotion.id} came after {number}; roll that back first", {"number": promotion.id})
        for image in promotion.images:
            await self._gate.check(caller, Operation.PROMOTION_ROLL_BACK, repository=image.target)
        back = any(image.moved and image.previous for image in promotion.images)
        made: list[Terms] = []

        async def make() -> Terms:
            made.clear()
            for image in promotion.images:
                tags = (image.target_tag,) if image.target_tag is not None and image.moved else ()
                expected = {tag: image.digest for tag in tags if not back or image.previous}
                if back:
                    made.append(await self._terms.push(caller, image.target, tags, expected))
                else:
                    made.append(await self._terms.removal(caller, image.target, expected))
            return made[0]

        who = by(caller, self._gate.now())
        undone = await self._terms.keep(make, lambda _: self._rows.roll_back(promotion, made, reason, who))
        self._counted(Became.ROLLED_BACK)
        return undone

    async def get(self, caller: Caller, number: int) -> Promotion:
        """One that the caller may see. Raises NotFound."""
        await self._gate.check(caller, Operation.PROMOTION_READ, own=True)
        promotion = await self._rows.get(number)
        if promotion is not None:
            seeing = await self._gate.administers(caller)
            if promotion.is_of(caller.subject.id) or all(seeing.reads(image.target) for image in promotion.images):
                return promotion
        raise NotFound(f"there is no promotion {number}", {"promotion": number})

    async def page(
        self,
        caller: Caller,
        page: PageRequest,
        state: PromotionState | None = None,
        image: tuple[RepositoryName, Reference] | None = None,
    ) -> Page[Promotion]:
        """Those that the caller may see, the newest first. `image`: those of its digest, from and to wherever. Raises
        PageInvalid; for an image that may not be pulled Denied, ManifestUnknown."""
        await self._gate.check(caller, Operation.PROMOTION_READ, own=True)
        digest = None
        if image is not None:
            await self._gate.check(caller, Operation.PROMOTION_ASK, repository=image[0])
            digest = (await self._manifests.seen(*image, caller)).digest
        seeing = await self._gate.administers(caller)
        return await seen(
            lambda part: self._rows.page(part, state, digest),
            page,
            lambda one: str(one.id),
            lambda one: one.is_of(caller.subject.id) or all(seeing.reads(image.target) for image in one.images),
            AT_ONCE,
        )

    async def _open(self, caller: Caller, number: int) -> Promotion:
        """One that waits. Raises NotFound, Stale; one that waited for too long ends."""
        promotion = await self.get(caller, number)
        for image in promotion.images:
            if not promotion.is_of(caller.subject.id):
                await self._gate.check(caller, Operation.PROMOTION_DECIDE, repository=image.target)
        now = self._gate.now()
        if promotion.state is PromotionState.WAITING and promotion.expires_at <= now:
            self._counted(Became.EXPIRED, await self._rows.expire(now, 100, by(Caller(SYSTEM), now)))
            promotion = msgspec.structs.replace(promotion, state=PromotionState.EXPIRED)
        if promotion.state is not PromotionState.WAITING:
            raise Stale(f"promotion {number} is {promotion.state.word}", {"promotion": number})
        return promotion
