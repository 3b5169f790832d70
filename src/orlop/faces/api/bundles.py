"""End points about bundles: images under a name, that are promoted as one."""

from typing import Annotated

import msgspec
from litestar import Response, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, PathParameter, QueryParameter

from orlop.domain.names import parse_held
from orlop.domain.promotion.bundle import Bundle
from orlop.faces.api import values
from orlop.faces.api.exchange import PAGE, ApiRequest, Last, Size, caller_of, listed, page_of
from orlop.services.management.operations import Operation
from orlop.services.promotion.bundles import IMAGES, BundleDesk, key_of
from orlop.services.promotion.standing import BundleStanding, BundleStandings, ImageStanding

BundleName = Annotated[str, PathParameter(max_length=63, description="Its name.")]
BundlePlace = Annotated[
    str | None,
    QueryParameter(name="path", max_length=255, description="Its place, where there are several of that name."),
]


class BundledImageValue(msgspec.Struct, frozen=True):
    """An image of a bundle; `tag` null: it was named by its digest alone, and gets none where it is promoted."""

    repository: str
    tag: str | None
    digest: str


class BundleValue(msgspec.Struct, frozen=True):
    """A bundle. `path`: the namespace that all of its images lie in, where its name is given once."""

    name: str
    path: str
    created_by: str
    created_at: values.Time
    images: list[BundledImageValue]

    @classmethod
    def of(cls, one: Bundle) -> "BundleValue":
        """As clients see it."""
        images = [BundledImageValue(each.repository, each.tag, each.digest) for each in one.images]
        return cls(one.name, one.path, one.created_by, values.time(one.created_at), images)


class BundleStageValue(msgspec.Struct, frozen=True):
    """A stage that has an image of a bundle; `tag` null: by its digest alone."""

    stage: str
    repository: str
    tag: str | None
    since: values.Time


class BundleStandingValue(msgspec.Struct, frozen=True):
    """An image of a bundle along a pipeline, and the stages that have its digest, as far as the caller may pull from
    them."""

    pipeline: str
    path: str
    repository: str
    tag: str | None
    digest: str
    stages: list[BundleStageValue]

    @classmethod
    def of(cls, along: BundleStanding, one: ImageStanding) -> "BundleStandingValue":
        """As clients see it."""
        image = one.image
        stages = [
            BundleStageValue(stage.name, there[0], there[1].tag or None, values.time(there[1].since))
            for stage, there in zip(along.stages, one.stages, strict=True)
            if there is not None
        ]
        return cls(along.name, along.path, image.repository, image.tag, image.digest, stages)


class NewBundleValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A name, and images, each `REPOSITORY:TAG` or `REPOSITORY@DIGEST`."""

    name: values.Name
    images: Annotated[
        tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=512)], ...],
        msgspec.Meta(min_length=1, max_length=IMAGES),
    ]


def bundles(desk: BundleDesk, standings: BundleStandings) -> list[HTTPRouteHandler]:
    """`/bundles` and `/bundles/{name}` with its standing."""

    @get("/bundles", operation_id="listBundles", tags=["promotion"], operation=Operation.BUNDLE_READ)
    async def list_bundles(request: ApiRequest, n: Size = PAGE, last: Last = "") -> Response[list[BundleValue]]:
        """The bundles of images that the caller may all pull, and their own; by name and place."""
        page = await desk.page(caller_of(request), page_of(n, last))
        return listed(request, page, BundleValue.of, key_of, n)

    @post("/bundles", operation_id="makeBundle", tags=["promotion"], status_code=201, operation=Operation.BUNDLE_MAKE)
    async def make_bundle(request: ApiRequest, data: JSONBody[NewBundleValue]) -> BundleValue:
        """Put images under a name, each by the digest that it has now. A bundle does not change; the same again is the
        one that there is."""
        images = [parse_held(text) for text in data.images]
        return BundleValue.of(await desk.make(caller_of(request), data.name, images))

    @get("/bundles/{name:str}", operation_id="showBundle", tags=["promotion"], operation=Operation.BUNDLE_READ)
    async def show_bundle(request: ApiRequest, name: BundleName, at: BundlePlace = None) -> BundleValue:
        """A bundle."""
        return BundleValue.of(await desk.get(caller_of(request), name, at))

    @get(
        "/bundles/{name:str}/standing",
        operation_id="showBundleStanding",
        tags=["promotion"],
        operation=Operation.BUNDLE_READ,
    )
    async def show_standing(request: ApiRequest, name: BundleName, at: BundlePlace = None) -> list[BundleStandingValue]:
        """Where each image of a bundle stands, along the pipelines that all of them are in."""
        found = await standings.named(caller_of(request), name, at)
        return [BundleStandingValue.of(along, one) for along in found for one in along.images]

    @delete("/bundles/{name:str}", operation_id="removeBundle", tags=["promotion"], operation=Operation.BUNDLE_REMOVE)
    async def remove_bundle(request: ApiRequest, name: BundleName, at: BundlePlace = None) -> None:
        """Remove a bundle. Its images, and what was promoted of it, stay."""
        await desk.remove(caller_of(request), name, at)

    return [list_bundles, make_bundle, show_bundle, show_standing, remove_bundle]
