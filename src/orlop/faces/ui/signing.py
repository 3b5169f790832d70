"""The page of the keys that sign what the registry attests, what waits for them, and the forms that change them."""

from collections.abc import Awaitable, Callable

from orlop.domain.errors import RegistryError
from orlop.faces.ui.exchange import Reply, UiExchange, redirect
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.services.attesting.keys import AttestationKeyDesk
from orlop.services.management.operations import Gate, Operation

_PAGE = "/signing-keys"


class SigningPages:
    """For whoever sees the whole registry; whoever rules it has the forms."""

    def __init__(self, pages: Pages, keys: AttestationKeyDesk, gate: Gate) -> None:
        self._pages = pages
        self._keys = keys
        self._gate = gate

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (
            Route("GET", _PAGE, self.show),
            Route("POST", f"{_PAGE}/init", self.begin),
            Route("POST", f"{_PAGE}/rotate", self.rotate),
            Route("POST", f"{_PAGE}/stop", self.stop),
        )

    async def show(self, exchange: UiExchange) -> Reply:
        """The newest first."""
        return await self._shown(exchange)

    async def begin(self, exchange: UiExchange) -> Reply:
        """Have a key sign."""
        return await self._changed(exchange, self._keys.begin)

    async def rotate(self, exchange: UiExchange) -> Reply:
        """Have a new key sign."""
        return await self._changed(exchange, self._keys.rotate)

    async def stop(self, exchange: UiExchange) -> Reply:
        """Have no key sign."""
        return await self._changed(exchange, self._keys.end)

    async def _changed(self, exchange: UiExchange, do: Callable[..., Awaitable[object]]) -> Reply:
        try:
            await do(exchange.caller)
        except RegistryError as refusal:
            return await self._shown(exchange, refusal)
        return redirect(_PAGE)

    async def _shown(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        status = await self._keys.status(exchange.caller)
        return self._pages.page(
            exchange,
            "signing",
            refusal=refusal,
            standing=status,
            keys=await self._keys.all(exchange.caller),
            may_change=await self._gate.may(exchange.caller, Operation.SIGNING_CHANGE),
        )
