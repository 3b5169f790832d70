"""Which way an image goes: the pipeline that it is in, the stage that it comes from, its name in another."""

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.errors import NameInvalid, RequestInvalid
from orlop.domain.names import Reference, RepositoryName, Tag
from orlop.domain.promotion.pipeline import PIPELINES, Pipeline, Stage
from orlop.domain.promotion.promotion import PromotedImage
from orlop.domain.settings import place_words
from orlop.services.settings.in_force import SettingsInForce


class Way(msgspec.Struct, frozen=True):
    """A pipeline in force, by its place and name, and the stages of a promotion."""

    path: str
    name: str
    pipeline: Pipeline
    source: Stage
    target: Stage


class Ways:
    """See the module."""

    def __init__(self, settings: SettingsInForce) -> None:
        self._settings = settings

    async def find(
        self, repository: RepositoryName, reference: Reference, stage: str, pipeline: str = ""
    ) -> tuple[int, Way]:
        """The way of an image into a stage, and the version of settings that says so. `pipeline`: its name, where there
        are several. Raises RequestInvalid where there is none, or are several."""
        version, found = await self._settings.versioned(PIPELINES, repository)
        tag = reference if isinstance(reference, Tag) else ""
        ways, known = [], []
        for each in found:
            source, target = each.body.source(repository, tag), each.body.stage(stage)
            if source is None or (pipeline and each.name != pipeline):
                continue
            known.append(each)
            if target is not None and each.body.comes_before(source, target):
                ways.append(Way(each.path, each.name, each.body, source, target))
        image = f"{repository}:{tag}" if tag else str(repository)
        if len(ways) > 1:
            names = ", ".join(way.name for way in ways)
            raise RequestInvalid(f"{image} is in several pipelines with a stage {stage}: {names}; name one of them")
        if ways:
            return version, ways[0]
        if not known:
            raise RequestInvalid(f"{image} is in no stage of a pipeline{f' {pipeline}' if pipeline else ''}")
        stages = [one.name for each in known for one in each.body.parsed]
        raise RequestInvalid(
            f"no pipeline takes {image} to {stage[:64]}: it goes forward along {', '.join(dict.fromkeys(stages))}"
        )

    async def again(self, way: tuple[str, str, str, str], repository: RepositoryName) -> tuple[int, Way] | None:
        """The same way (place, name, and stages of a promotion) as it is set now; None where it is no more."""
        path, name, source, target = way
        version, found = await self._settings.versioned(PIPELINES, repository)
        for each in found:
            if (each.path, each.name) == (path, name):
                stages = each.body.stage(source), each.body.stage(target)
                if stages[0] is not None and stages[1] is not None:
                    return version, Way(path, name, each.body, stages[0], stages[1])
        return None


def promoted(way: Way, repository: RepositoryName, reference: Reference, digest: Digest) -> PromotedImage:
    """An image on its way. Raises RequestInvalid where it would have no name there."""
    tag = reference if isinstance(reference, Tag) else None
    name, target_tag = way.target.target(way.source, repository, tag)
    try:
        target = RepositoryName(name)
    except NameInvalid as error:
        raise RequestInvalid(f"{repository} has no name in {place_words(way.target.path)}: {error.message}") from error
    return PromotedImage(repository, tag, digest, target, target_tag)
