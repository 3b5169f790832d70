"""What a gate that is set would hold back today, image by image."""

from urllib.parse import urlencode

from orlop.domain.gates.gate import GATES
from orlop.domain.pages import PageRequest
from orlop.domain.settings import place_words
from orlop.faces.ui.addresses import settings_address
from orlop.faces.ui.exchange import Reply, UiExchange
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.faces.ui.rules.settings import TRIED, path_of
from orlop.services.gates.desk import GateDesk


class HeldPages:
    """For whoever may edit the rules of the place."""

    def __init__(self, pages: Pages, gates: GateDesk) -> None:
        self._pages = pages
        self._gates = gates

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (Route("GET", "/rules/gates/{name}/held", self.show),)

    async def show(self, exchange: UiExchange) -> Reply:
        """A page of it looks at so many tags."""
        name, path = exchange.params["name"], path_of(exchange.query.get("path", ""))
        page = PageRequest(TRIED, exchange.query.get("last", ""))
        run = await self._gates.dry_run(exchange.caller, path, name, page)
        return self._pages.page(
            exchange,
            "gates/held",
            parts=("rows",),
            name=name,
            path=path,
            words=place_words(path),
            run=run,
            gate=settings_address(GATES.plural, name, path=path),
            more=held_address(name, path, run.goes_on) if run.goes_on else "",
        )


def held_address(name: str, path: str, last: str = "") -> str:
    """Where that page is."""
    said = {key: value for key, value in (("path", path), ("last", last)) if value}
    return f"/rules/gates/{name}/held" + (f"?{urlencode(said)}" if said else "")
