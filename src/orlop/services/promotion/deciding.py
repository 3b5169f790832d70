"""Whether a promotion that waits may be done now: by its pipeline as it is set, its approvals as they count, and the
time. Carries it out by the rights of its author, whoever gave the last word."""

import msgspec

from orlop.domain.access import Caller, Subject, SubjectKind
from orlop.domain.errors import Conflict, Stale
from orlop.domain.events import Origin
from orlop.domain.promotion.promotion import NewPromotion, Promotion, PromotionState, moved_on
from orlop.ports.by import By
from orlop.ports.catalog import Manifests
from orlop.ports.promotion import PromotionOutcome, Promotions
from orlop.services.promotion.approving import Approvers, account_caller
from orlop.services.promotion.carrying import CarryingOut
from orlop.services.promotion.paths import Way, Ways, promoted


class Deciding:
    """See the module."""

    def __init__(
        self, rows: Promotions, ways: Ways, approvers: Approvers, carrying: CarryingOut, manifests: Manifests
    ) -> None:
        self._rows = rows
        self._ways = ways
        self._approvers = approvers
        self._carrying = carrying
        self._manifests = manifests

    async def way(self, promotion: NewPromotion | Promotion) -> tuple[int, Way]:
        """The way of a promotion as it is set now, and the version of settings. Raises Conflict where it is another."""
        same = (promotion.path, promotion.pipeline, promotion.source, promotion.stage)
        found = []
        for image in promotion.images:
            one = await self._ways.again(same, image.repository)
            if one is None or promoted(one[1], image.repository, image.tag or image.digest, image.digest) != (
                msgspec.structs.replace(image, previous="", moved=False)
            ):
                raise Conflict(
                    f"pipeline {promotion.pipeline} is another since it was asked for: refuse this one, and ask anew"
                )
            if promotion.automatic and one[1].pipeline.follows_by_itself(one[1].source) != one[1].target:
                raise Conflict(f"pipeline {promotion.pipeline} takes nothing to {promotion.stage} by itself any more")
            found.append(one)
        return min(version for version, _ in found), found[0][1]

    async def lacks(self, promotion: Promotion, way: Way) -> bool:
        """Whether approvals are missing."""
        needed = max(promotion.needed, way.pipeline.needed(way.target.name))
        return await self._approvers.counting(promotion, way) < needed

    async def still(self, promotion: Promotion) -> None:
        """Raises Conflict where a tag of what nobody asked for points at something else by now: that is promoted in its
        place."""
        for image in promotion.images:
            if image.tag is None:
                continue
            found = await self._manifests.resolve(image.repository, image.tag)
            if found is None or found.digest != image.digest:
                raise moved_on(image)

    async def out(self, promotion: Promotion, who: By, at: int) -> PromotionOutcome:
        """Carry one out, where nothing is missing: what becomes of it, which is done once. `at`: when it is asked to
        be, in microseconds since 1970. Raises what it is refused with; it waits then as before."""
        _, way = await self.way(promotion)
        if await self.lacks(promotion, way):
            return PromotionOutcome(promotion)
        opens = way.pipeline.opens(way.target.name, at)
        if opens > who.at:
            return PromotionOutcome(await self._rows.hold(promotion.id, opens))
        whose = author(promotion, who.origin)

        async def version() -> int:
            now, again = await self.way(promotion)
            if promotion.by_tag:
                await self.still(promotion)
            if await self.lacks(promotion, again) or again.pipeline.opens(promotion.stage, at) > who.at:
                raise Stale(f"promotion {promotion.id} has to wait since a moment ago", {"promotion": promotion.id})
            return now

        try:
            return await self._carrying.out(whose, promotion, By(promotion.asked_by, who.at, who.origin), version)
        except Stale:
            found = await self._rows.get(promotion.id)
            if found is None or found.state is not PromotionState.DONE:
                raise
            return PromotionOutcome(found)  # somebody else was quicker


def author(promotion: Promotion, origin: Origin = Origin()) -> Caller:  # noqa: B008 - it is frozen
    """By whose rights it is carried out: those of whoever asked, as they are now; by itself what nobody asked for."""
    if promotion.automatic:
        return Caller(Subject(promotion.asked_by, SubjectKind.SYSTEM), origin.address, origin.request)
    return account_caller(promotion.asked_id, promotion.asked_by, origin.address, origin.request)
