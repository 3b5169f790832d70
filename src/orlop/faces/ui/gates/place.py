"""The gates that are in force at a place, and whose signatures are known there: own ones and those of the places
above."""

import msgspec

from orlop.domain.gates.gate import GATES
from orlop.domain.settings import SettingKind, place_words
from orlop.domain.trust.signers import SIGNERS
from orlop.faces.ui.addresses import settings_address
from orlop.faces.ui.browse.frame import PlaceFrames
from orlop.faces.ui.exchange import Reply, UiExchange
from orlop.faces.ui.gates.held import held_address
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.rules.forms import said_of
from orlop.services.desks import Desks
from orlop.services.settings.kept import Shown

#: What stands in columns of its own, or is no condition.
_ELSEWHERE = frozenset({"on", "mode", "wait", "required"})


class SettingInForce(msgspec.Struct, frozen=True, kw_only=True):
    """A gate, or signers. `own`: it is set at the place itself; `said`: what it says, each part of it; `points` and
    `mode` of a gate; `required`: of signers, how many must have signed."""

    name: str
    place: str
    own: bool
    address: str
    held: str
    said: tuple[str, ...]
    points: tuple[str, ...] = ()
    mode: str = ""
    required: int = 1


class GatesTab:
    """See `PlaceTab`."""

    def __init__(self, pages: Pages, desks: Desks, frames: PlaceFrames) -> None:
        self._pages = pages
        self._settings = desks.management.settings
        self._frames = frames

    async def show(self, exchange: UiExchange, name: str) -> Reply:
        """See `PlaceTab`."""
        frame = await self._frames.of(exchange, name)
        return self._pages.page(
            exchange,
            "gates/place",
            frame=frame,
            gates=await self._covering(exchange, GATES, name),
            signers=await self._covering(exchange, SIGNERS, name),
            may_change=await self._settings.may_change(exchange.caller, GATES.kind, name),
        )

    async def _covering(self, exchange: UiExchange, kind: SettingKind, name: str) -> list[SettingInForce]:
        found = await self._settings.holding(exchange.caller, kind.kind, name)
        return [_in_force(kind, each.shown, name) for each in found]


def _in_force(kind: SettingKind, shown: Shown, name: str) -> SettingInForce:
    body = shown.body
    return SettingInForce(
        name=shown.name,
        place=place_words(shown.path),
        own=shown.path == name,
        address=settings_address(kind.plural, shown.name, path=shown.path),
        held=held_address(shown.name, shown.path),
        said=said_of(kind.kind, {field: value for field, value in body.items() if field not in _ELSEWHERE}),
        points=tuple(body.get("on", ("pull",))) if kind is GATES else (),
        mode=str(body.get("mode", "warn")) if kind is GATES else "",
        required=int(body.get("required", 1)),
    )
