"""Searches over everything that the reader may see."""

from itertools import groupby
from urllib.parse import urlencode

from orlop.domain.errors import RequestInvalid
from orlop.domain.pages import PageRequest
from orlop.domain.search import LINE_MOST, HitKind
from orlop.faces.ui.exchange import Reply, UiExchange
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.services.browse.search import SearchFound
from orlop.services.desks import Desks

#: Hits of each kind on the first page, and of one kind on the next.
_FIRST, _MORE = 10, 50


class SearchPage:
    """See services.browse.search."""

    def __init__(self, pages: Pages, desks: Desks) -> None:
        self._pages = pages
        self._search = desks.browsing.search

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (Route("GET", "/search", self.show, open=True),)

    async def show(self, exchange: UiExchange) -> Reply:
        """The hits by kinds; of one kind, page by page, where `kind` names it."""
        line, chosen = exchange.query.get("q", "").strip(), exchange.query.get("kind", "")
        kind = HitKind(chosen) if chosen in set(HitKind) else None
        found, refusal = SearchFound((), {}), None
        if line:
            try:
                if len(line) > LINE_MOST:
                    raise RequestInvalid(f"a search has at most {LINE_MOST} characters")
                asked = PageRequest(_MORE if kind else _FIRST, exchange.query.get("last", ""))
                found = await self._search.find(exchange.caller, line, kind, asked)
            except RequestInvalid as invalid:
                refusal = invalid
        return self._pages.page(
            exchange,
            "browse/search",
            refusal=refusal,
            line=line,
            groups=[(each.value, list(hits)) for each, hits in groupby(found.hits, lambda hit: hit.kind)],
            more={
                each.value: f"/search?{urlencode({'q': line, 'kind': each.value, 'last': last})}"
                for each, last in found.more.items()
            },
        )
