"""Promotions, for whoever asks for one, decides, looks, or goes back."""

from collections.abc import Sequence

import msgspec

from orlop.domain.access import Caller
from orlop.domain.access.subjects import SYSTEM
from orlop.domain.digest import Digest
from orlop.domain.errors import Denied, NotFound, RequestInvalid, Stale
from orlop.domain.names import Reference, RepositoryName
from orlop.domain.pages import Page, PageRequest
from orlop.domain.promotion.promotion import NewPromotion, PromotedImage, Promotion, PromotionState
from orlop.ports.catalog import by
from orlop.ports.promotion import PromotionOutcome, Promotions
from orlop.ports.terms import Terms
from orlop.services.content.manifests import Manifests
from orlop.services.management.operations import Gate, Operation
from orlop.services.management.pages import seen
from orlop.services.promotion.approving import Approvers
from orlop.services.promotion.bundles import IMAGES, BundleDesk, Wanted
from orlop.services.promotion.carrying import CarryingOut
from orlop.services.promotion.deciding import Deciding
from orlop.services.promotion.outcomes import Became, Counting, uncounted
from orlop.services.promotion.paths import Way, Ways, promoted
from orlop.services.tags.terms import WriteTerms

#: An image as it is named, and the digest that is meant.
_Meant = tuple[RepositoryName, Reference, Digest]


class PromotionDesk:
    """See the module."""

    def __init__(
        self,
        gate: Gate,
        manifests: Manifests,
        terms: WriteTerms,
        rows: Promotions,
        ways: Ways,
        approvers: Approvers,
        carrying: CarryingOut,
        deciding: Deciding,
        bundles: BundleDesk,
        counted: Counting = uncounted,
    ) -> None:
        self._gate = gate
        self._manifests = manifests
        self._terms = terms
        self._rows = rows
        self._ways = ways
        self._approvers = approvers
        self._carrying = carrying
        self._deciding = deciding
        self._bundles = bundles
        self._counted = counted

    async def promote(self, caller: Caller, images: Wanted, stage: str, pipeline: str = "") -> PromotionOutcome:
        """Promote images as one: done at once, or waiting for approvals. Each is meant by the digest that it has now.

        Raises RequestInvalid where no pipeline leads there; what pulling a source or pushing a target is refused with,
        Denied where a gate refuses one, NotJudged where that is not known yet: before anything is written.
        """
        if not 0 < len(images) <= IMAGES:
            raise RequestInvalid(f"1 to {IMAGES} images are promoted as one, these are {len(images)}")
        meant: list[_Meant] = []
        for repository, reference in images:
            await self._gate.check(caller, Operation.PROMOTION_ASK, repository=repository)
            meant.append((repository, reference, (await self._manifests.seen(repository, reference, caller)).digest))
        return await self._promote(caller, meant, stage, pipeline)

    async def promote_bundle(
        self, caller: Caller, name: str, stage: str, pipeline: str = "", path: str | None = None
    ) -> PromotionOutcome:
        """Promote the images of a bundle as one, by the digests that the bundle holds. `path`: its place. Raises as
        promote, and as BundleDesk.get."""
        bundle = await self._bundles.get(caller, name, path)
        for image in bundle.images:
            await self._gate.check(caller, Operation.PROMOTION_ASK, repository=image.repository)
        meant: list[_Meant] = [(one.repository, one.tag or one.digest, one.digest) for one in bundle.images]
        return await self._promote(caller, meant, stage, pipeline, bundle.name)

    async def _promote(
        self, caller: Caller, images: Sequence[_Meant], stage: str, pipeline: str, bundle: str = ""
    ) -> PromotionOutcome:
        try:
            outcome = await self._asked(caller, images, stage, pipeline, bundle)
        except Denied:
            self._counted(Became.HELD_BACK)
            raise
        if outcome.promotion is not None and outcome.promotion.state is PromotionState.WAITING:
            self._counted(Became.WAITING)
        return outcome

    async def _asked(
        self, caller: Caller, images: Sequence[_Meant], stage: str, pipeline: str, bundle: str
    ) -> PromotionOutcome:
        ways: list[Way] = []
        moved: list[PromotedImage] = []
        for repository, reference, digest in images:
            _, way = await self._ways.find(repository, reference, stage, pipeline)
            ways.append(way)
            moved.append(promoted(way, repository, reference, digest))
        if len({(way.path, way.name) for way in ways}) > 1:
            raise RequestInvalid("the images are in several pipelines; what is promoted as one goes along one")
        if len({(one.target, one.target_tag) for one in moved}) < len(moved):
            raise RequestInvalid("two of the images would have the same name there")
        way, now = ways[0], self._gate.now()
        needed, opens = way.pipeline.needed(way.target.name), way.pipeline.opens(way.target.name, now)
        asked = NewPromotion(
            path=way.path,
            pipeline=way.name,
            source=way.source.name,
            stage=way.target.name,
            images=tuple(moved),
            bundle=bundle,
            asked_id=caller.subject.id,
            needed=needed,
            expires_at=max(now, opens) + way.pipeline.waits,
            due_at=opens if opens > now and not needed else 0,
        )
        if asked.needed or asked.due_at:
            await self._carrying.check(caller, moved)
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
            raise Denied(f"{promotion.asked_by} asked for promotion {number}, and somebody else has to approve it")
        _, way = await self._deciding.way(promotion)
        await self._approvers.check(caller, promotion, way)
        who = by(caller, self._gate.now())
        promotion = await self._rows.approve(number, caller.subject.id, who)
        return await self._deciding.out(promotion, who, who.at)

    async def refuse(self, caller: Caller, number: int, reason: str) -> Promotion:
        """End a promotion that waits: whoever may approve it may, and its author. Raises NotFound, Denied, Stale."""
        promotion = await self._open(caller, number)
        if caller.subject.id != promotion.asked_id:
            _, way = await self._deciding.way(promotion)
            await self._approvers.check(caller, promotion, way)
        ended = await self._rows.end(number, PromotionState.REFUSED, reason, by(caller, self._gate.now()))
        self._counted(Became.REFUSED)
        return ended

    async def roll_back(self, caller: Caller, repository: RepositoryName, reason: str) -> Promotion:
        """Undo the last promotion into a repository, with all images that were promoted as one: tags that it moved
        point at what they were; where it moved none, those that it set are removed. What it linked stays.

        Raises NotFound where there is none, Stale where a tag was changed since, Denied.
        """
        await self._gate.check(caller, Operation.PROMOTION_ROLL_BACK, repository=repository)
        promotion = await self._rows.newest(repository)
        if promotion is None:
            raise NotFound(f"no promotion into {repository} is to be rolled back", {"repository": repository})
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
            if _is_own(caller, promotion) or all(seeing.reads(image.target) for image in promotion.images):
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
            lambda one: _is_own(caller, one) or all(seeing.reads(image.target) for image in one.images),
        )

    async def _open(self, caller: Caller, number: int) -> Promotion:
        """One that waits. Raises NotFound, Stale; one that waited for too long ends."""
        promotion = await self.get(caller, number)
        for image in promotion.images:
            if not _is_own(caller, promotion):
                await self._gate.check(caller, Operation.PROMOTION_DECIDE, repository=image.target)
        now = self._gate.now()
        if promotion.state is PromotionState.WAITING and promotion.expires_at <= now:
            self._counted(Became.EXPIRED, await self._rows.expire(now, 100, by(Caller(SYSTEM), now)))
            promotion = msgspec.structs.replace(promotion, state=PromotionState.EXPIRED)
        if promotion.state is not PromotionState.WAITING:
            raise Stale(f"promotion {number} is {promotion.state.word}", {"promotion": number})
        return promotion


def _is_own(caller: Caller, promotion: Promotion) -> bool:
    return bool(caller.subject.id) and caller.subject.id == promotion.asked_id
