"""What was pushed into quarantine at a place, what it waits for, and the forms that let it out or refuse it."""

from urllib.parse import urlencode

import msgspec

from orlop.domain.errors import RegistryError
from orlop.domain.pages import PageRequest
from orlop.domain.quarantine.rules import QUARANTINE_RULES
from orlop.domain.settings import place_words
from orlop.faces.ui.account import number
from orlop.faces.ui.addresses import image_address, place_address, settings_address
from orlop.faces.ui.browse.frame import PlaceFrames
from orlop.faces.ui.exchange import Reply, UiExchange, redirect
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.faces.ui.rules.forms import said_of
from orlop.ports.held import HeldState
from orlop.services.desks import Desks
from orlop.services.quarantine.desk import HeldShown
from orlop.services.settings.kept import Shown

_PUSHES = 50
#: What is told of by the names of states in addresses.
_STATES = {state.name.lower(): state for state in HeldState}


class RuleInForce(msgspec.Struct, frozen=True):
    """A rule that holds at a place. `own`: it is set there; `said`: what it says beside that pushes are held."""

    name: str
    place: str
    own: bool
    address: str
    said: tuple[str, ...]
    person: bool


class QuarantineTab:
    """See `PlaceTab`. Whoever pushed something, and whoever sees quarantine there, see it."""

    def __init__(self, pages: Pages, desks: Desks, frames: PlaceFrames) -> None:
        self._pages = pages
        self._desk = desks.quarantine
        self._settings = desks.management.settings
        self._frames = frames

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (
            Route("POST", "/quarantine/release", self.release),
            Route("POST", "/quarantine/refuse", self.refuse),
        )

    async def show(self, exchange: UiExchange, name: str) -> Reply:
        """See `PlaceTab`."""
        return await self._shown(exchange, name)

    async def release(self, exchange: UiExchange) -> Reply:
        """Let it out."""
        return await self._decided(exchange, refusing=False)

    async def refuse(self, exchange: UiExchange) -> Reply:
        """Delete it, into the trash; the reason that has to be given stands for a second question."""
        return await self._decided(exchange, refusing=True)

    async def _decided(self, exchange: UiExchange, *, refusing: bool) -> Reply:
        name = exchange.field("place").strip("/")
        decide = self._desk.refuse if refusing else self._desk.release
        try:
            await decide(exchange.caller, number(exchange.field("number")), exchange.field("reason"))
        except RegistryError as refusal:
            return await self._shown(exchange, name, refusal)
        return redirect(f"{place_address(name)}/-/quarantine")

    async def _shown(self, exchange: UiExchange, name: str, refusal: RegistryError | None = None) -> Reply:
        frame = await self._frames.of(exchange, name)
        state = _STATES.get(exchange.query.get("state", ""), HeldState.WAITING)
        asked = PageRequest(_PUSHES, exchange.query.get("last", ""))
        page = await self._desk.page(exchange.caller, frame.words, state, asked)
        rules = await self._settings.holding(exchange.caller, QUARANTINE_RULES.kind, name)
        return self._pages.page(
            exchange,
            "quarantine/place",
            refusal=refusal,
            parts=("rows",),
            frame=frame,
            state=state.name.lower(),
            states=tuple(_STATES),
            pushes=page.items,
            decidable=await self._desk.decidable(exchange.caller, [each.held for each in page.items]),
            more=_more(name, state, page.goes_on),
            rules=[_rule(each.shown, name) for each in rules],
            may_change=await self._settings.may_change(exchange.caller, QUARANTINE_RULES.kind, name),
            address=image_address,
            image=_image,
            typed=exchange.form,
        )


def _more(name: str, state: HeldState, last: str) -> str:
    """Where the list goes on; empty: nowhere."""
    if not last:
        return ""
    return f"{place_address(name)}/-/quarantine?{urlencode({'state': state.name.lower(), 'last': last})}"


def _image(shown: HeldShown, place: str) -> str:
    """How it is named in the list of a place: by the first of its tags, or else by its digest."""
    held = shown.held
    below = held.repository.removeprefix(f"{place}/")
    return f"{below}:{held.first}" if held.first else f"{below}@{held.digest[:19]}…"


def _rule(shown: Shown, name: str) -> RuleInForce:
    return RuleInForce(
        name=shown.name,
        place=place_words(shown.path),
        own=shown.path == name,
        address=settings_address(QUARANTINE_RULES.plural, shown.name, path=shown.path),
        said=said_of(QUARANTINE_RULES.kind, shown.body),
        person=bool(shown.body.get("person")),
    )
