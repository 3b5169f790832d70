"""The end point for which images hold packages under a licence."""

from typing import Annotated

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from orlop.faces.api.exchange import PAGE, ApiRequest, Last, Size, caller_of, page_of
from orlop.faces.api.inside_searches import At
from orlop.services.licences.search import LicenceSearch, LicensedFound, LicensedImage, LicensedOne
from orlop.services.management.operations import Gate, Operation


class LicensedValue(msgspec.Struct, frozen=True):
    """A package under licences that were asked for: those, by name."""

    purl: str
    type: str
    version: str
    licences: tuple[str, ...]

    @classmethod
    def of(cls, one: LicensedOne) -> "LicensedValue":
        """As clients see it."""
        return cls(one.package.purl, one.package.type, one.package.version, one.licences)


class LicensedImageValue(msgspec.Struct, frozen=True):
    """An image that holds such packages. `tags`: its own, and those of indexes that list it; `platform`: for which one
    of them lists it, empty where none does; `more`: how many packages beside these."""

    repository: str
    digest: str
    platform: str
    tags: tuple[str, ...]
    packages: list[LicensedValue]
    more: int

    @classmethod
    def of(cls, one: LicensedImage) -> "LicensedImageValue":
        """As clients see it."""
        packages = [LicensedValue.of(each) for each in one.packages]
        return cls(one.place.repository, one.place.digest, one.names.platform, one.names.tags, packages, one.more)


class LicenceSearchValue(msgspec.Struct, frozen=True):
    """Images that hold packages under a licence. `last`: where the list goes on, empty: nowhere; a page may end early,
    or be empty, where much was looked at. `remarks`: what is not known."""

    images: list[LicensedImageValue]
    last: str
    remarks: tuple[str, ...]

    @classmethod
    def of(cls, found: LicensedFound) -> "LicenceSearchValue":
        """As clients see it."""
        return cls([LicensedImageValue.of(one) for one in found.images], found.goes_on, found.remarks)


def licence_searches(gate: Gate, licences: LicenceSearch) -> list[HTTPRouteHandler]:
    """`/licence-search`."""

    @get("/licence-search", operation_id="searchLicence", tags=["inside"], operation=Operation.IMAGE_READ)
    async def search_licence(
        request: ApiRequest,
        licence: Annotated[
            str,
            QueryParameter(
                name="licence",
                min_length=1,
                max_length=128,
                description="A licence as SPDX names it, or in the words of packages; `*` is anything, case does not "
                "matter: GPL-3.0*.",
            ),
        ],
        at: At = "",
        n: Size = PAGE,
        last: Last = "",
    ) -> LicenceSearchValue:
        """Images that hold packages under a licence, by repository and digest, as far as the caller may read what was
        found in them."""
        caller = caller_of(request)
        await gate.rights(caller)
        return LicenceSearchValue.of(await licences.find(caller, licence, at, page_of(n, last)))

    return [search_licence]
