"""The page of read-only mode: whether the registry takes writes and why not, and the forms that set its switches."""

from datetime import UTC, datetime

from orlop.domain.durations import SECOND, span
from orlop.domain.errors import RegistryError, RequestInvalid
from orlop.domain.read_only import READ_ONLY
from orlop.faces.ui.addresses import settings_address
from orlop.faces.ui.exchange import Reply, UiExchange, redirect
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.services.management.all import Management
from orlop.services.read_only.desk import ReadOnlyDesk
from orlop.services.settings.kept import Shown

_PAGE = "/read-only"
#: The name of the switch that the form sets, as that of the command.
_NAME = "switch"


class ReadOnlyPages:
    """For everybody who is signed in; whoever may switch it has the forms, also while it is on."""

    def __init__(self, pages: Pages, desk: ReadOnlyDesk, management: Management) -> None:
        self._pages = pages
        self._desk = desk
        self._settings = management.settings
        self._gate = management.gate

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (
            Route("GET", _PAGE, self.show),
            Route("POST", f"{_PAGE}/on", self.on),
            Route("POST", f"{_PAGE}/off", self.off),
        )

    async def show(self, exchange: UiExchange) -> Reply:
        """How it stands."""
        return await self._shown(exchange)

    async def on(self, exchange: UiExchange) -> Reply:
        """Set the switch, or say something else by it."""
        body = {"reason": exchange.field("reason").strip()}
        try:
            if lasts := exchange.field("lasts").strip():
                body["until"] = self._until(lasts)
            there = [each.version for each in await self._switches(exchange) if each.name == _NAME]
            expected = there[0] if there else 0
            await self._settings.put(exchange.caller, READ_ONLY.kind, _NAME, body, expected)
        except RegistryError as refusal:
            return await self._shown(exchange, refusal)
        return redirect(_PAGE)

    async def off(self, exchange: UiExchange) -> Reply:
        """Take a switch away."""
        try:
            await self._settings.remove(exchange.caller, READ_ONLY.kind, exchange.field("name"), None)
        except RegistryError as refusal:
            return await self._shown(exchange, refusal)
        return redirect(_PAGE)

    def _until(self, lasts: str) -> str:
        try:
            end = (self._gate.now() + span(lasts)) // SECOND
            return datetime.fromtimestamp(end, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        except (ValueError, OverflowError, OSError) as error:
            raise RequestInvalid(f"{lasts[:64]!r} is no length of time: write it as 2h, or as 30m") from error

    async def _switches(self, exchange: UiExchange) -> tuple[Shown, ...]:
        return tuple((await self._settings.covering(exchange.caller, READ_ONLY.kind, "")).items)

    async def _shown(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        caller = exchange.caller
        return self._pages.page(
            exchange,
            "read_only",
            refusal=refusal,
            standing=await self._desk.standing(caller),
            switches=await self._switches(exchange),
            may_switch=await self._settings.may_change(caller, READ_ONLY.kind),
            reason=exchange.field("reason"),
            plural=READ_ONLY.plural,
            settings_address=settings_address,
        )
