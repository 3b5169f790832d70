"""What somebody needs to know who opens the registry for the first time."""

from orlop.domain.access.roles import ROLES
from orlop.faces.ui.exchange import Reply, UiExchange
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route


class Help:
    """One page, with commands for this very registry."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (Route("GET", "/help", self.show, open=True),)

    async def show(self, exchange: UiExchange) -> Reply:
        """The page."""
        name = exchange.visitor.account.name if exchange.visitor else "NAME"
        return self._pages.page(exchange, "help", name=name, roles=tuple(ROLES.values()))
