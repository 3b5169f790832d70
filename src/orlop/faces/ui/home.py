"""Where somebody lands who typed nothing but the address of the registry."""

from orlop.domain.pages import PageRequest
from orlop.faces.http.concerns import page_of
from orlop.faces.ui.exchange import Reply, UiExchange
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.ports.browse import RepositoryOrder
from orlop.services.desks import Desks

_SHOWN = 50


class Home:
    """What is public for anybody, and their own start for whoever is signed in."""

    def __init__(self, pages: Pages, desks: Desks) -> None:
        self._pages = pages
        self._desks = desks

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (Route("GET", "/", self.show, open=True),)

    async def show(self, exchange: UiExchange) -> Reply:
        """The page."""
        caller, desks = exchange.caller, self._desks
        asked = PageRequest(_SHOWN, exchange.query.get("last", ""))
        found = await desks.browsing.children.page(caller, "", RepositoryOrder.NAME, asked)
        return self._pages.page(
            exchange,
            "home",
            parts=("rows",),
            children=found.items,
            more=found.items[-1].place if found.more else "",
            concerns=await desks.attention.of(caller) if exchange.visitor else (),
            news=await desks.news.of(caller) if exchange.visitor else (),
            page_of=page_of,
        )
