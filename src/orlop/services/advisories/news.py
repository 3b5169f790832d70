"""Which images advisories that came or changed hit, and did not before: what an update brought."""

from orlop.domain.access import Caller
from orlop.domain.errors import RequestInvalid
from orlop.domain.pages import PageRequest
from orlop.ports.hits import HitBy
from orlop.services.advisories.hits import HitImages, HitPages


class NewFindings:
    """See the module."""

    def __init__(self, pages: HitPages) -> None:
        self._pages = pages

    async def find(self, caller: Caller, since: int, at: str, page: PageRequest, *, packages: bool = True) -> HitImages:
        """Images at a place with findings that advisories brought since a time, in microseconds since 1970, and are
        still there. Without `packages` no more than which images these are. Raises Unauthorized, RequestInvalid,
        PageInvalid."""
        if since <= 0:
            raise RequestInvalid("say since when, after 1970")
        by = HitBy(since=since)
        if packages:
            return await self._pages.page(caller, by, at, page)
        return await self._pages.bare(caller, by, at, page)
