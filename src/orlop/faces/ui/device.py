"""The page where somebody confirms that a program is to be signed in as them (RFC 8628, section 3.3).

The code is typed by whoever has it before their eyes, and nothing else fills it in: an address with a code may come
from whoever waits behind that code (section 5.4, "Remote Phishing").
"""

from orlop.domain.durations import DAY
from orlop.domain.errors import RegistryError
from orlop.faces.ui.account import number, token_limit, visitor_of
from orlop.faces.ui.exchange import Reply, UiExchange
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.services.identity.devices import DeviceSignIn, DeviceTerms
from orlop.services.identity.sessions import Visitor
from orlop.services.management.operations import Gate


class DevicePage:
    """Asks for the code, shows who waits behind it, and takes a yes or a no."""

    def __init__(self, pages: Pages, devices: DeviceSignIn, gate: Gate) -> None:
        self._pages = pages
        self._devices = devices
        self._gate = gate

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (Route("GET", "/device", self.show), Route("POST", "/device", self.answer))

    async def show(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """The form for the code, which is empty."""
        return self._pages.page(exchange, "device", refusal=refusal, asked=None, elsewhere=False, decided="")

    async def answer(self, exchange: UiExchange) -> Reply:
        """A code that was typed: who waits behind it. Yes, with what the token is to be good for; or no."""
        visitor = visitor_of(exchange)
        answer = exchange.field("answer")
        if not answer:
            return await self._looked_at(exchange, visitor)
        yes = answer == "yes"
        try:
            terms = self._terms(exchange) if yes else None
            asked = await self._devices.decide(visitor, exchange.field("code"), terms)
        except RegistryError as refusal:
            return await self.show(exchange, refusal)
        decided = "confirmed" if yes else "refused"
        return self._pages.page(exchange, "device", asked=asked, elsewhere=False, decided=decided)

    async def _looked_at(self, exchange: UiExchange, visitor: Visitor) -> Reply:
        try:
            asked = await self._devices.look(visitor, exchange.field("code"))
        except RegistryError as refusal:
            return await self.show(exchange, refusal)
        elsewhere = asked.address != visitor.caller.address
        return self._pages.page(exchange, "device", asked=asked, elsewhere=elsewhere, decided="")

    def _terms(self, exchange: UiExchange) -> DeviceTerms:
        """Raises RequestInvalid."""
        limit = token_limit(exchange.field("use"), exchange.field("repositories").strip())
        limits = (limit,) if exchange.field("use") != "all" or exchange.field("repositories").strip() else None
        return DeviceTerms(limits, self._gate.now() + number(exchange.field("days")) * DAY)
