"""Whether a promotion that waits may be done now: by its pipeline as it is set, its approvals as they count, and the
time. Carries it out by the rights of its author, whoever gave the last word."""

import msgspec

from orlop.domain.errors import Conflict, Stale
from orlop.domain.promotion.promotion import NewPromotion, Promotion, PromotionState
from orlop.ports.by import By
from orlop.ports.promotion import PromotionOutcome, Promotions
from orlop.services.promotion.approving import Approvers, account_caller
from orlop.services.promotion.carrying import CarryingOut
from orlop.services.promotion.paths import Way, Ways, promoted


class Deciding:
    """See the module."""

    def __init__(self, rows: Promotions, ways: Ways, approvers: Approvers, carrying: CarryingOut) -> None:
        self._rows = rows
        self._ways = ways
        self._approvers = approvers
        self._carrying = carrying

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
            found.append(one)
        return min(version for version, _ in found), found[0][1]

    async def lacks(self, promotion: Promotion, way: Way) -> bool:
        """Whether approvals are missing."""
        needed = max(promotion.needed, way.pipeline.needed(way.target.name))
        return await self._approvers.counting(promotion, way) < needed

    async def out(self, promotion: Promotion, who: By, at: int) -> PromotionOutcome:
        """Carry one out, where nothing is missing: what becomes of it, which is done once. `at`: when it is asked to
        be, in microseconds since 1970. Raises what it is refused with; it waits then as before."""
        _, way = await self.way(promotion)
        if await self.lacks(promotion, way):
            return PromotionOutcome(promotion)
        opens = way.pipeline.opens(way.target.name, at)
        if opens > who.at:
            return PromotionOutcome(await self._rows.hold(promotion.id, opens))
        author = account_caller(promotion.asked_id, promotion.asked_by, who.origin.address, who.origin.request)

        async def version() -> int:
            now, again = await self.way(promotion)
            if await self.lacks(promotion, again) or again.pipeline.opens(promotion.stage, at) > who.at:
                raise Stale(f"promotion {promotion.id} has to wait since a moment ago", {"promotion": promotion.id})
            return now

        try:
            return await self._carrying.out(author, promotion, By(promotion.asked_by, who.at, who.origin), version)
        except Stale:
            found = await self._rows.get(promotion.id)
            if found is None or found.state is not PromotionState.DONE:
                raise
            return PromotionOutcome(found)  # somebody else was quicker
