"""House rules: what holds at a place in plain sentences, to print or to send to a team."""

from orlop.faces.ui.exchange import Reply, UiExchange
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.faces.ui.rules.settings import path_of
from orlop.services.management.house_rules import HouseRulesTold


class HouseRulesPage:
    """Whoever may pull at a place is told its rules."""

    def __init__(self, pages: Pages, told: HouseRulesTold) -> None:
        self._pages = pages
        self._told = told

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (Route("GET", "/rules/house", self.show),)

    async def show(self, exchange: UiExchange) -> Reply:
        """Of a namespace (`path`), or of a repository (`repository`)."""
        repository = exchange.query.get("repository")
        path = path_of(exchange.query.get("path", "")) if "path" in exchange.query or repository is None else None
        rules = await self._told.show(exchange.caller, namespace=path, repository=repository)
        return self._pages.page(
            exchange, "rules/house", rules=rules, place=rules.place.strip("/"), repository=repository is not None
        )
