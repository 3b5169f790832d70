"""The pages of webhooks: all of them and how they fare, the deliveries of one, and one delivery with its attempts."""

from urllib.parse import quote, urlencode

import msgspec

from orlop.domain.errors import NotFound, RegistryError
from orlop.domain.pages import PageRequest
from orlop.domain.settings import place_words
from orlop.faces.ui.exchange import Reply, UiExchange, number_of, redirect
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.services.webhooks.fares import WebhookList
from orlop.services.webhooks.managed import ManagedWebhooks

_ROWS = 50


class WebhookPages:
    """See `ManagedWebhooks` and `WebhookList`."""

    def __init__(self, pages: Pages, hooks: WebhookList, desk: ManagedWebhooks) -> None:
        self._pages = pages
        self._hooks = hooks
        self._desk = desk

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (
            Route("GET", "/webhooks", self.show),
            Route("GET", "/webhooks/deliveries/{number}", self.delivery),
            Route("POST", "/webhooks/deliveries/{number}", self.redeliver),
            Route("GET", "/webhooks/{name}", self.one),
            Route("POST", "/webhooks/{name}/test", self.test),
            Route("POST", "/webhooks/{name}/resume", self.resume),
        )

    async def show(self, exchange: UiExchange) -> Reply:
        """All that the reader may see."""
        found = await self._hooks.page(exchange.caller, PageRequest(_ROWS, exchange.query.get("last", "")))
        following = urlencode({"last": found.items[-1].key}) if found.more and found.items else ""
        return self._pages.page(
            exchange,
            "webhooks",
            parts=("rows",),
            hooks=found.items,
            address=address,
            place_words=place_words,
            following=f"/webhooks?{following}" if following else "",
        )

    async def one(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """One with its deliveries, of one that was removed, too."""
        name, path = exchange.params["name"], exchange.query.get("path", "")
        dead = exchange.query.get("dead") == "yes"
        caller, request = exchange.caller, PageRequest(_ROWS, exchange.query.get("last", ""))
        found = await self._desk.page(caller, name, path, request, dead=dead)
        try:
            health = await self._desk.health(caller, name, path)
        except NotFound:
            if not found.items:
                raise
            health = None
        here = address(name, path, dead="yes") if dead else address(name, path)
        last = f"{'&' if '?' in here else '?'}last={found.items[-1].id}" if found.more and found.items else ""
        return self._pages.page(
            exchange,
            "webhook",
            refusal=refusal,
            parts=("rows",),
            name=name,
            path=path,
            place=place_words(path),
            health=health,
            deliveries=found.items,
            dead=dead,
            address=address,
            following=f"{here}{last}" if last else "",
        )

    async def delivery(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """One of them with its attempts."""
        told = await self._desk.get(exchange.caller, _number(exchange))
        return self._pages.page(
            exchange,
            "delivery",
            refusal=refusal,
            delivery=told.delivery,
            attempts=told.attempts,
            facts=msgspec.json.format(told.delivery.facts, indent=2).decode(),
            address=address,
        )

    async def redeliver(self, exchange: UiExchange) -> Reply:
        """Send it again."""
        number = _number(exchange)
        try:
            await self._desk.redeliver(exchange.caller, number)
        except RegistryError as refusal:
            return await self.delivery(exchange, refusal)
        return redirect(f"/webhooks/deliveries/{number}")

    async def test(self, exchange: UiExchange) -> Reply:
        """Send something that tells of nothing, and show what came of it."""
        try:
            tried = await self._desk.test(exchange.caller, exchange.params["name"], exchange.query.get("path", ""))
        except RegistryError as refusal:
            return await self.one(exchange, refusal)
        return redirect(f"/webhooks/deliveries/{tried.delivery.id}")

    async def resume(self, exchange: UiExchange) -> Reply:
        """Go on with one that was paused, or rests."""
        name, path = exchange.params["name"], exchange.query.get("path", "")
        try:
            await self._desk.resume(exchange.caller, name, path)
        except RegistryError as refusal:
            return await self.one(exchange, refusal)
        return redirect(address(name, path))


def address(name: str, path: str, what: str = "", **more: str) -> str:
    """Where the page of a webhook is, or what is done to it."""
    asked = {name: value for name, value in {"path": path, **more}.items() if value}
    query = f"?{urlencode(asked)}" if asked else ""
    return f"/webhooks/{quote(name, safe='')}{what}{query}"


def _number(exchange: UiExchange) -> int:
    """Raises NotFound."""
    found = number_of(exchange.params["number"])
    if found is None:
        raise NotFound("there is no such delivery")
    return found
