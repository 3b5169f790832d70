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


class NewBundleValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A name, and images, each `REPOSITORY:TAG` or `REPOSITORY@DIGEST`."""

    name: values.Name
    images: Annotated[
        tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=512)], ...],
        msgspec.Meta(min_length=1, max_length=IMAGES),
    ]


def bundles(desk: BundleDesk) -> list[HTTPRouteHandler]:
    """`/bundles` and `/bundles/{name}`."""

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

    @delete("/bundles/{name:str}", operation_id="removeBundle", tags=["promotion"], operation=Operation.BUNDLE_REMOVE)
    async def remove_bundle(request: ApiRequest, name: BundleName, at: BundlePlace = None) -> None:
        """Remove a bundle. Its images, and what was promoted of it, stay."""
        await desk.remove(caller_of(request), name, at)

    return [list_bundles, make_bundle, show_bundle, remove_bundle]
