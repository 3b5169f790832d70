"""What is asked for: images by the digests that they have now, along one pipeline, to a stage."""

from collections.abc import Sequence

import msgspec

from orlop.domain.access import Caller
from orlop.domain.digest import Digest
from orlop.domain.errors import RegistryError, RequestInvalid, Stale, Unavailable
from orlop.domain.names import Reference, RepositoryName
from orlop.domain.promotion.promotion import NewPromotion, PromotedImage
from orlop.services.content.manifests import Manifests
from orlop.services.management.operations import Gate, Operation
from orlop.services.promotion.bundles import IMAGES, BundleDesk, Wanted
from orlop.services.promotion.carrying import CarryingOut
from orlop.services.promotion.paths import Way, Ways, promoted

#: An image as it is named, and the digest that is meant.
_Meant = tuple[RepositoryName, Reference, Digest]


class Asking:
    """See the module."""

    def __init__(self, gate: Gate, manifests: Manifests, ways: Ways, bundles: BundleDesk) -> None:
        self._gate = gate
        self._manifests = manifests
        self._ways = ways
        self._bundles = bundles

    async def images(
        self, caller: Caller, images: Wanted, stage: str, pipeline: str = "", shown: Sequence[Digest] = ()
    ) -> NewPromotion:
        """Images, each by the digest that it has now. `shown`: what each was shown to be. Raises RequestInvalid where
        no pipeline leads there; what pulling a source is refused with; Stale where one is not what was shown."""
        if not 0 < len(images) <= IMAGES:
            raise RequestInvalid(f"1 to {IMAGES} images are promoted as one, these are {len(images)}")
        meant: list[_Meant] = []
        for repository, reference in images:
            await self._gate.check(caller, Operation.PROMOTION_ASK, repository=repository)
            meant.append((repository, reference, (await self._manifests.seen(repository, reference, caller)).digest))
        for (repository, reference, digest), before in zip(meant, shown, strict=False):
            if digest != before:
                raise Stale(f"{repository}:{reference} is not what was shown any more", {"reference": str(reference)})
        return await self._asked(caller, meant, stage, pipeline)

    async def bundle(
        self, caller: Caller, name: str, stage: str, pipeline: str = "", path: str | None = None
    ) -> NewPromotion:
        """The images of a bundle, by the digests that it holds. `path`: its place. Raises as images, and as
        BundleDesk.get."""
        bundle = await self._bundles.get(caller, name, path)
        for image in bundle.images:
            await self._gate.check(caller, Operation.PROMOTION_ASK, repository=image.repository)
        meant: list[_Meant] = [(one.repository, one.tag or one.digest, one.digest) for one in bundle.images]
        return await self._asked(caller, meant, stage, pipeline, bundle.name)

    async def _asked(
        self, caller: Caller, images: Sequence[_Meant], stage: str, pipeline: str, bundle: str = ""
    ) -> NewPromotion:
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
    """Promotions that nobody asks for: nothing is written."""

    def __init__(self, gate: Gate, asking: Asking, ways: Ways, carrying: CarryingOut) -> None:
        self._gate = gate
        self._asking = asking
        self._ways = ways
        self._carrying = carrying

    async def images(self, caller: Caller, images: Wanted, stage: str, pipeline: str = "") -> PromotionTrial:
        """Of images. Raises as `Asking.images`, and Unavailable."""
        return await self._tried(caller, await self._asking.images(caller, images, stage, pipeline))

    async def bundle(
        self, caller: Caller, name: str, stage: str, pipeline: str = "", path: str | None = None
    ) -> PromotionTrial:
        """Of a bundle. Raises as `Asking.bundle`, and Unavailable."""
        return await self._tried(caller, await self._asking.bundle(caller, name, stage, pipeline, path))

    async def _tried(self, caller: Caller, asked: NewPromotion) -> PromotionTrial:
        first = asked.images[0]
        _, way = await self._ways.find(first.repository, first.tag or first.digest, asked.stage, asked.pipeline)
        now = self._gate.now()
        opens, refusal = way.pipeline.opens(asked.stage, now), ""
        try:
            await self._carrying.check(caller, asked.images)
        except Unavailable:
            raise
        except RegistryError as refused:
            refusal = refused.message
        return PromotionTrial(asked, opens if opens > now else 0, refusal)
