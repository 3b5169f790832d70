"""Where the images of a bundle stand along the pipelines that all of them are in."""

import msgspec

from orlop.domain.access import Action, Caller
from orlop.domain.errors import NameInvalid
from orlop.domain.names import RepositoryName
from orlop.domain.promotion.bundle import Bundle, BundledImage
from orlop.domain.promotion.pipeline import PIPELINES, Pipeline, Stage
from orlop.ports.boards import Boards, StandingTag
from orlop.services.management.operations import Administered, Gate, Operation
from orlop.services.promotion.bundles import BundleDesk
from orlop.services.settings.in_force import InForce, SettingsInForce


class ImageStanding(msgspec.Struct, frozen=True):
    """An image of a bundle, and by stage where it is: the repository, and the tag that has its digest there, which is
    empty where none has it. None: it is not there, or not for the reader to see."""

    image: BundledImage
    stages: tuple[tuple[RepositoryName, StandingTag] | None, ...]


class BundleStanding(msgspec.Struct, frozen=True):
    """A bundle along a pipeline, by its place and name. `ahead`: the names of stages behind those that its images were
    taken from, to which it may be promoted."""

    path: str
    name: str
    stages: tuple[Stage, ...]
    ahead: tuple[str, ...]
    images: tuple[ImageStanding, ...]


class BundleStandings:
    """A reader sees the stages from which they may pull, along pipelines that they may see."""

    def __init__(self, gate: Gate, settings: SettingsInForce, boards: Boards, bundles: BundleDesk) -> None:
        self._gate = gate
        self._settings = settings
        self._boards = boards
        self._bundles = bundles

    async def named(self, caller: Caller, name: str, path: str | None = None) -> tuple[BundleStanding, ...]:
        """Of a bundle by its name, and its place where there are several. Raises as BundleDesk.get, and Unavailable."""
        return await self.of(caller, await self._bundles.get(caller, name, path))

    async def of(self, caller: Caller, bundle: Bundle) -> tuple[BundleStanding, ...]:
        """Of a bundle that the caller sees, by pipelines from the root down. Raises Unauthorized, Unavailable."""
        await self._gate.check(caller, Operation.BUNDLE_READ, own=True)
        seeing = await self._gate.administers(caller)
        repositories = {one.repository for one in bundle.images}
        place = repositories.pop() if len(repositories) == 1 else bundle.path
        found = []
        for each in await self._settings.covering(PIPELINES, place):
            if seeing.setting(Action.PULL, each.path):
                standing = await self._along(each, bundle, seeing)
                found += [standing] if standing is not None else []
        return tuple(found)

    async def _along(self, known: InForce, bundle: Bundle, seeing: Administered) -> BundleStanding | None:
        pipeline: Pipeline = known.body
        stages, sources = pipeline.parsed, []
        for image in bundle.images:
            source = pipeline.source(image.repository, image.tag or "")
            if source is None:
                return None
            sources.append(source)
        places = [
            [_place(stage, source, image, seeing) for stage in stages]
            for image, source in zip(bundle.images, sources, strict=True)
        ]
        pairs = {
            (place, image.digest)
            for image, row in zip(bundle.images, places, strict=True)
            for stage, place in zip(stages, row, strict=True)
            if place is not None and stage.tag is None
        }
        held = await self._boards.holding(pairs) if pairs else {}
        tagged = {
            stage: await self._boards.tagged(RepositoryName(stage.path), stage.tag)
            for stage in stages
            if stage.tag is not None and seeing.reads(stage.path)
        }
        images = []
        for image, row in zip(bundle.images, places, strict=True):
            cells: list[tuple[RepositoryName, StandingTag] | None] = []
            for stage, place in zip(stages, row, strict=True):
                there = None
                if place is not None:
                    there = held.get((place, image.digest)) if stage.tag is None else tagged[stage]
                there = there if there is not None and there.digest == image.digest else None
                cells.append((place, there) if place is not None and there is not None else None)
            images.append(ImageStanding(image, tuple(cells)))
        last = max(stages.index(source) for source in sources)
        ahead = tuple(stage.name for stage in stages[last + 1 :])
        return BundleStanding(known.path, known.name, stages, ahead, tuple(images))


def _place(stage: Stage, source: Stage, image: BundledImage, seeing: Administered) -> RepositoryName | None:
    """The repository of an image in a stage; None where it would have no name there, or the reader may not pull."""
    try:
        place = RepositoryName(stage.target(source, image.repository, image.tag)[0])
    except NameInvalid:
        return None
    return place if seeing.reads(place) else None
