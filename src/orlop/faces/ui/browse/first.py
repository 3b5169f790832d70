"""What is shown first of a place: the tags of a repository, or what lies below a namespace."""

from collections.abc import Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from orlop.domain.digest import Digest
from orlop.domain.errors import Denied, NameUnknown, NotFound, RequestInvalid, Unauthorized
from orlop.domain.names import RepositoryName
from orlop.domain.pages import Page, PageRequest
from orlop.domain.platforms import parse_platform
from orlop.domain.tag_lists import Releases, TagFilter, TagOrder, place
from orlop.faces.ui.addresses import place_address
from orlop.faces.ui.browse.frame import PlaceFrame, PlaceFrames
from orlop.faces.ui.exchange import Reply, UiExchange
from orlop.faces.ui.pages import Pages
from orlop.ports.browse import RepositoryOrder
from orlop.ports.catalog import Holding
from orlop.services.advisories.counts import FindingCounts
from orlop.services.browse.tags import RuledTag
from orlop.services.desks import Desks

#: Rows of a page, and tags that are no versions and stand on top of a repository.
ROWS, _CHANNELS = 50, 5


_Order = TypeVar("_Order", RepositoryOrder, TagOrder)


class FirstTab:
    """See `PlaceTab`."""

    def __init__(self, pages: Pages, desks: Desks, frames: PlaceFrames) -> None:
        self._pages = pages
        self._browsing = desks.browsing
        self._holdings = desks.holdings
        self._virtuals = desks.virtuals
        self._counts = desks.counts
        self._frames = frames

    async def show(self, exchange: UiExchange, name: str) -> Reply:
        """See `PlaceTab`."""
        try:
            frame = await self._frames.of(exchange, name)
        except (NotFound, NameUnknown, Denied, Unauthorized):
            shown = await self._virtuals.of(exchange.caller, RepositoryName(name))
            if shown is None:
                raise
            return self._pages.page(exchange, "browse/virtual", name=name, virtual=shown)
        return await (self._tags if frame.is_repository else self._children)(exchange, frame)

    async def _children(self, exchange: UiExchange, frame: PlaceFrame) -> Reply:
        order = _order(RepositoryOrder, exchange.query.get("sort", ""), RepositoryOrder.NAME)
        asked = PageRequest(ROWS, exchange.query.get("last", ""))
        page = await self._browsing.children.page(exchange.caller, frame.name, order, asked)
        more = page.items[-1].place if page.more else ""
        return self._pages.page(
            exchange,
            "browse/namespace",
            parts=("rows",),
            frame=frame,
            children=page.items,
            virtual=await self._virtuals.of(exchange.caller, RepositoryName(frame.name)) if not asked.after else None,
            sort=order.value,
            more=_further(exchange, frame, more) if more else "",
        )

    async def _tags(self, exchange: UiExchange, frame: PlaceFrame) -> Reply:
        query, repository, tags = exchange.query, RepositoryName(frame.name), self._browsing.tags
        order = _order(TagOrder, query.get("sort", ""), TagOrder.NEWEST)
        only = Releases(query["only"]) if query.get("only") in set(Releases) else None
        refusal = None
        try:
            platform = parse_platform(query["platform"]) if query.get("platform") else None
            wanted = TagFilter(_pattern(query.get("name", "")), query.get("type", ""), platform, only)
        except RequestInvalid as invalid:
            refusal, wanted = invalid, TagFilter()
        page = await tags.page(exchange.caller, repository, order, wanted, PageRequest(ROWS, query.get("last", "")))
        last = page.items[-1].tag if page.items else None
        more = place(order, last.name, last.number(order)) if page.more and last is not None else ""
        channels = Page[RuledTag](())
        if query.get("part") != "rows":
            moving = TagFilter(releases=Releases.NONE)
            channels = await tags.page(exchange.caller, repository, TagOrder.NEWEST, moving, PageRequest(_CHANNELS))
        return self._pages.page(
            exchange,
            "browse/repository",
            parts=("rows",),
            refusal=refusal,
            frame=frame,
            tags=page.items,
            findings=await self._findings(exchange, repository, page.items),
            channels=channels.items,
            holding=await self._holding(exchange, repository),
            sort=order.value,
            wanted={name: query.get(name, "") for name in ("name", "type", "platform", "only")},
            more=_further(exchange, frame, more) if more else "",
        )

    async def _findings(
        self, exchange: UiExchange, repository: RepositoryName, tags: Sequence[RuledTag]
    ) -> Mapping[str, FindingCounts]:
        """How much is known to be wrong with each, by digest."""
        tagged: dict[Digest, list[str]] = {}
        for ruled in tags:
            tagged.setdefault(Digest.stored(ruled.tag.digest), []).append(ruled.tag.name)
        return await self._counts.of(exchange.caller, repository, tagged) if tagged else {}

    async def _holding(self, exchange: UiExchange, repository: RepositoryName) -> Holding | None:
        """How much it holds, for a reader who may list it."""
        if exchange.visitor is None or exchange.query.get("part"):
            return None
        try:
            return await self._holdings.of(exchange.caller, repository)
        except NotFound:
            return None


def _pattern(text: str) -> str:
    """What somebody typed to find tags by: a part of a name, unless it has a wildcard itself."""
    typed = text.strip()
    return typed if "*" in typed or not typed else f"*{typed}*"


def _order(orders: type[_Order], text: str, otherwise: _Order) -> _Order:
    return orders(text) if text in set(orders) else otherwise


def _further(exchange: UiExchange, frame: PlaceFrame, last: str) -> str:
    """The address of the next page."""
    kept = {name: value for name, value in exchange.query.items() if name not in {"part", "last"}}
    return f"{place_address(frame.name)}?{urlencode(kept | {'last': last})}"
