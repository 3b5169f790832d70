"""How the repositories of a place stand: what is known to be wrong with the image of each that was tagged last."""

from urllib.parse import urlencode

from orlop.domain.durations import DAY
from orlop.domain.inside.severity import SEVERITIES
from orlop.domain.pages import PageRequest
from orlop.faces.ui.addresses import finding_address, image_address, place_address
from orlop.faces.ui.browse.frame import PlaceFrames
from orlop.faces.ui.exchange import Reply, UiExchange
from orlop.faces.ui.inside.columns import DAYS, columns
from orlop.faces.ui.pages import Pages
from orlop.services.advisories.reports import PAGE_MOST, RepositoryReport
from orlop.services.desks import Desks


class ReportTab:
    """See `PlaceTab`."""

    def __init__(self, pages: Pages, desks: Desks, frames: PlaceFrames) -> None:
        self._pages = pages
        self._reports = desks.reports
        self._history = desks.finding_history
        self._gate = desks.management.gate
        self._frames = frames

    async def show(self, exchange: UiExchange, name: str) -> Reply:
        """The worst first, among the repositories of the page."""
        frame = await self._frames.of(exchange, name)
        query = exchange.query
        page = await self._reports.page(exchange.caller, name, PageRequest(PAGE_MOST, query.get("last", "")))
        by_name = query.get("sort") == "name"
        rows = list(page.items) if by_name else sorted(page.items, key=_badness, reverse=True)
        sums = {
            word: sum(one.known.counts.counts.get(word, 0) for one in rows if one.known is not None)
            for word in SEVERITIES
        }
        kept = {key: value for key, value in query.items() if key not in {"part", "last"}}
        history = await self._history.of(exchange.caller, name, DAYS)
        further = {"last": str(page.items[-1].repository)} if page.more else {}
        return self._pages.page(
            exchange,
            "inside/report",
            frame=frame,
            rows=rows,
            by_name=by_name,
            sums=sums,
            picture=columns(history.days, self._gate.now() // DAY),
            more_history=history.more,
            day_of=DAY,
            more=f"{place_address(name, 'vulnerabilities')}?{urlencode(kept | further)}" if further else "",
            address=image_address,
            finding_address=finding_address,
        )


def _badness(one: RepositoryReport) -> tuple[int, ...]:
    counts = one.known.counts.counts if one.known is not None else {}
    return tuple(counts.get(word, 0) for word in SEVERITIES)
