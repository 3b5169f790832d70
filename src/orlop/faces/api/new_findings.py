"""The end point for which images advisories that came or changed hit."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from orlop.faces.api import values
from orlop.faces.api.exchange import PAGE, PAGE_MAX, ApiRequest, Last, caller_of, page_of
from orlop.faces.api.inside_searches import At, HitImageValue
from orlop.services.advisories.hits import HitImages
from orlop.services.advisories.news import NewFindings
from orlop.services.management.operations import Gate, Operation

#: Images of one page that has no more than which these are.
_PLACES_MAX = 10_000


class NewFindingsValue(msgspec.Struct, frozen=True):
    """Images with findings that advisories brought. `last`: where the list goes on, empty: nowhere; a page may end
    early, or be empty, where much was looked at."""

    images: list[HitImageValue]
    last: str

    @classmethod
    def of(cls, found: HitImages) -> "NewFindingsValue":
        """As clients see it."""
        return cls([HitImageValue.of(one) for one in found.images], found.goes_on)


def new_findings(gate: Gate, news: NewFindings) -> list[HTTPRouteHandler]:
    """`/new-findings`."""

    @get("/new-findings", operation_id="listNewFindings", tags=["inside"], operation=Operation.IMAGE_READ)
    async def list_new_findings(
        request: ApiRequest,
        since: Annotated[
            datetime, QueryParameter(name="since", description="What advisories brought not before this time.")
        ],
        at: At = "",
        packages: Annotated[
            bool,
            QueryParameter(
                name="packages",
                description="Also what hits them, and their tags; else which images alone.",
            ),
        ] = True,
        n: Annotated[
            int,
            QueryParameter(
                name="n", ge=1, le=_PLACES_MAX, description="How many images a page has at most; 1,000 with packages."
            ),
        ] = PAGE,
        last: Last = "",
    ) -> NewFindingsValue:
        """Images that advisories which came or changed hit, and did not before, by repository and digest, as far as the
        caller may read what was found in them; what is accepted is told as that. What was found in an image that came
        later than the advisory is not new."""
        caller = caller_of(request)
        await gate.rights(caller)
        found = await news.find(
            caller, values.moment(since), at, page_of(n if not packages else min(n, PAGE_MAX), last), packages=packages
        )
        return NewFindingsValue.of(found)

    return [list_new_findings]
