"""What is asked for: images by the digests that they have now, along one pipeline, to a stage."""

from collections.abc import Sequence

import msgspec

from orlop.domain.access import Caller
from orlop.domain.errors import RegistryError, RequestInvalid, Unavailable
from orlop.domain.names import Reference, RepositoryName
from orlop.domain.promotion.promotion import NewPromotion, PromotedImage
from orlop.services.content.manifests import Manifests
from orlop.services.management.operations import Gate, Operation
from orlop.services.promotion.carrying import CarryingOut
from orlop.services.promotion.paths import Way, Ways, promoted

#: Images that are promoted as one.
IMAGES = 100

Wanted = Sequence[tuple[RepositoryName, Reference]]


class Asking:
    """See the module."""

    def __init__(self, gate: Gate, manifests: Manifests, ways: Ways) -> None:
        self._gate = gate
        self._manifests = manifests
        self._ways = ways

    async def asked(
        self, caller: Caller, images: Wanted, stage: str, pipeline: str = "", bundle: str = ""
    ) -> NewPromotion:
        """Raises RequestInvalid where no pipeline leads there; what pulling a source is refused with."""
        if not 0 < len(images) <= IMAGES:
            raise RequestInvalid(f"1 to {IMAGES} images are promoted as one, these are {len(images)}")
        ways: list[Way] = []
        moved: list[PromotedImage] = []
        for repository, reference in images:
            await self._gate.check(caller, Operation.PROMOTION_ASK, repository=repository)
            found = await self._manifests.resolve(repository, reference)
            _, way = await self._ways.find(repository, reference, stage, pipeline)
            ways.append(way)
            moved.append(promoted(way, repository, reference, found.digest))
        if len({(way.path, way.name) for way in ways}) > 1:
            raise RequestInvalid("the images are in several pipelines; what is promoted as one goes along one")
        if len({(one.target, one.target_tag) for one in moved}) < len(moved):
            raise RequestInvalid("two of the images would have the same name there")
        way, now = ways[0], self._gate.now()
        needed, opens = way.pipeline.needed(way.target.name), way.pipeline.opens(way.target.name, now)
        return NewPromotion(
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


class PromotionTrial(msgspec.Struct, frozen=True):
    """What would become of a promotion that was asked for now. `opens_at`: when its stage opens for it, in microseconds
    since 1970; 0: it is open. `refusal`: what it would be refused with, as a sentence; empty: with nothing."""

    asked: NewPromotion
    opens_at: int
    refusal: str


class PromotionTrials:
    """Promotions that nobody asks for."""

    def __init__(self, gate: Gate, asking: Asking, ways: Ways, carrying: CarryingOut) -> None:
        self._gate = gate
        self._asking = asking
        self._ways = ways
        self._carrying = carrying

    async def of(self, caller: Caller, images: Wanted, stage: str, pipeline: str = "") -> PromotionTrial:
        """Nothing is written. Raises what `Asking.asked` does, and Unavailable."""
        asked = await self._asking.asked(caller, images, stage, pipeline)
        first = asked.images[0]
        _, way = await self._ways.find(first.repository, first.tag or first.digest, stage, asked.pipeline)
        now = self._gate.now()
        opens, refusal = way.pipeline.opens(stage, now), ""
        try:
            await self._carrying.check(caller, asked.images)
        except Unavailable:
            raise
        except RegistryError as refused:
            refusal = refused.message
        return PromotionTrial(asked, opens if opens > now else 0, refusal)
