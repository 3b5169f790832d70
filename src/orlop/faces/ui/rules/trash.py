"""The trash: what was deleted and can be restored, until when, and the ways out of it."""

from urllib.parse import urlencode

from orlop.domain.errors import NotFound, RegistryError
from orlop.domain.names import RepositoryName
from orlop.domain.pages import PageRequest
from orlop.faces.ui.account import number
from orlop.faces.ui.addresses import place_address
from orlop.faces.ui.exchange import Reply, UiExchange, redirect
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.ports.trash import Asked
from orlop.services.trash.trash import Trash

_ENTRIES = 50


class TrashPages:
    """Whoever may pull at a place sees what lies there; a restoration is a push."""

    def __init__(self, pages: Pages, trash: Trash) -> None:
        self._pages = pages
        self._trash = trash

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (
            Route("GET", "/trash", self.listed),
            Route("POST", "/trash/restore", self.restore),
            Route("POST", "/trash/discard", self.discard),
            Route("POST", "/trash/empty", self.empty),
        )

    async def listed(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """By name, of the place in the address."""
        place = exchange.query.get("place", "") or exchange.field("place") or "/"
        found = await self._trash.page(exchange.caller, place, PageRequest(_ENTRIES, exchange.query.get("last", "")))
        last = found.goes_on
        return self._pages.page(
            exchange,
            "rules/trash",
            refusal=refusal,
            parts=("rows",),
            place=place,
            entries=found.items,
            able=await self._trash.able(exchange.caller, found.items),
            more=f"/trash?{urlencode({'place': place, 'last': last})}" if last else "",
            may_empty=await self._trash.may_empty(exchange.caller, place),
        )

    async def restore(self, exchange: UiExchange) -> Reply:
        """Put back what was deleted, whole or not at all, and go to where it is again."""
        name = exchange.field("name")
        try:
            if name.endswith("/"):
                await self._trash.restore_namespace(exchange.caller, name.strip("/"))
            else:
                asked = Asked(RepositoryName(name), entry=number(exchange.field("number")))
                await self._trash.restore(exchange.caller, asked)
        except RegistryError as refusal:
            return await self.listed(exchange, refusal)
        return redirect(place_address(name.strip("/")))

    async def discard(self, exchange: UiExchange) -> Reply:
        """Ask, and then give one entry up."""
        wanted, place = number(exchange.field("number")), exchange.field("place") or "/"
        entry = await self._trash.entry(exchange.caller, wanted)
        if exchange.field("confirmed"):
            await self._trash.discard(exchange.caller, wanted)
            return redirect(f"/trash?{urlencode({'place': place})}")
        return self._pages.page(exchange, "rules/discard", entry=entry, place=place)

    async def empty(self, exchange: UiExchange) -> Reply:
        """Ask, and then give up whatever lies in the trash of a place."""
        place = exchange.field("place")
        if not place:
            raise NotFound("say of which place")
        await self._trash.check_empty(exchange.caller, place)
        if exchange.field("confirmed"):
            await self._trash.empty(exchange.caller, place)
            return redirect(f"/trash?{urlencode({'place': place})}")
        found = await self._trash.page(exchange.caller, place, PageRequest(_ENTRIES))
        return self._pages.page(exchange, "rules/discard", entry=None, place=place, found=found)
