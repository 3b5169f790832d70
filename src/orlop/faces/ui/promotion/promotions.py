"""Promotions: which there are, what became of one, and the forms that decide of it and roll it back."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

import msgspec

from orlop.domain.counts import counted
from orlop.domain.errors import (
    Conflict,
    Denied,
    DigestInvalid,
    NameInvalid,
    RegistryError,
    RequestInvalid,
    TagInvalid,
    Unavailable,
)
from orlop.domain.names import parse_held
from orlop.domain.pages import PageRequest
from orlop.domain.promotion.promotion import Promotion, PromotionState
from orlop.faces.ui.account import number
from orlop.faces.ui.addresses import image_address
from orlop.faces.ui.exchange import Reply, UiExchange, redirect
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.promotion.addresses import board_address, promotion_address
from orlop.faces.ui.promotion.reasons import reason_of
from orlop.faces.ui.routes import Route
from orlop.services.desks import Desks

_MANY = 50
#: By their names in addresses.
_STATES = {state.name.lower().replace("_", "-"): state for state in PromotionState}


class Trial(msgspec.Struct, frozen=True):
    """What would refuse a promotion now; both empty: nothing. `problem`: why that is not said."""

    refusal: str = ""
    problem: str = ""


class Happening(msgspec.Struct, frozen=True):
    """What became of a promotion at a time, in microseconds since 1970."""

    at: int
    words: str
    why: str = ""


class PromotionPages:
    """Each is seen by its author, and by whoever may pull from all of its targets."""

    def __init__(self, pages: Pages, desks: Desks) -> None:
        self._pages = pages
        self._desk = desks.promotions

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (
            Route("GET", "/promotions", self.list),
            Route("GET", "/promotions/{number}", self.show),
            Route("GET", "/promotions/{number}/trial", self.trial),
            Route("POST", "/promotions/{number}/approve", self.approve),
            Route("POST", "/promotions/{number}/refuse", self.refuse),
            Route("POST", "/promotions/{number}/roll-back", self.roll_back),
        )

    async def list(self, exchange: UiExchange) -> Reply:
        """The newest first, of a state or an image."""
        state, image = exchange.query.get("state", ""), exchange.query.get("image", "").strip()
        page, refusal = None, None
        try:
            held = parse_held(image) if image else None
            asked = PageRequest(_MANY, exchange.query.get("last", ""))
            page = await self._desk.page(exchange.caller, asked, _STATES.get(state), held)
        except (NameInvalid, TagInvalid, DigestInvalid, RequestInvalid) as error:
            refusal = error
        said = {key: value for key, value in (("state", state), ("image", image)) if value}
        more = str(page.items[-1].id) if page is not None and page.more else ""
        return self._pages.page(
            exchange,
            "promotion/list",
            refusal=refusal,
            parts=("rows",),
            promotions=page.items if page is not None else (),
            more=f"/promotions?{urlencode({**said, 'last': more})}" if more else "",
            state=state,
            states=tuple(_STATES),
            image=image,
            asked=urlencode(said),
            address=image_address,
        )

    async def show(self, exchange: UiExchange) -> Reply:
        """What it carries, who asked, who agreed, and how it ended."""
        return await self._shown(exchange)

    async def trial(self, exchange: UiExchange) -> Reply:
        """The same, with what would refuse it now: a gate may wait for what is not judged yet. Its part `said` is what
        a script puts into the page."""
        try:
            refusal = await self._desk.trial(exchange.caller, _number(exchange))
        except (Conflict, Denied, Unavailable) as problem:
            return await self._shown(exchange, trial=Trial(problem=problem.message))
        return await self._shown(exchange, trial=Trial(refusal=refusal))

    async def approve(self, exchange: UiExchange) -> Reply:
        """Agree to it."""
        return await self._decided(exchange, lambda: self._desk.approve(exchange.caller, _number(exchange)))

    async def refuse(self, exchange: UiExchange) -> Reply:
        """End it; the reason that has to be given stands for a second question."""
        return await self._decided(
            exchange, lambda: self._desk.refuse(exchange.caller, _number(exchange), reason_of(exchange, "asked for it"))
        )

    async def roll_back(self, exchange: UiExchange) -> Reply:
        """Go back to what stood there before, where nothing came after it."""

        async def done() -> None:
            promotion = await self._desk.get(exchange.caller, _number(exchange))
            target, reason = promotion.images[0].target, reason_of(exchange, "comes after you")
            await self._desk.roll_back(exchange.caller, target, reason, promotion.id)

        return await self._decided(exchange, done)

    async def _decided(self, exchange: UiExchange, do: Callable[[], Awaitable[object]]) -> Reply:
        try:
            await do()
        except RegistryError as refusal:
            return await self._shown(exchange, refusal)
        return redirect(promotion_address(_number(exchange)))

    async def _shown(
        self, exchange: UiExchange, refusal: RegistryError | None = None, trial: Trial | None = None
    ) -> Reply:
        promotion = await self._desk.get(exchange.caller, _number(exchange))
        return self._pages.page(
            exchange,
            "promotion/one",
            refusal=refusal,
            parts=("said",),
            one=promotion,
            trial=trial,
            happened=happened(promotion),
            may=await self._desk.may_decide(exchange.caller, promotion),
            may_undo=await self._desk.may_roll_back(exchange.caller, promotion),
            board=board_address(promotion.pipeline, promotion.path),
            address=image_address,
            typed=exchange.form,
        )


def happened(promotion: Promotion) -> tuple[Happening, ...]:
    """What became of one, in order."""
    needed = f", which takes {counted(promotion.needed, 'approval')}" if promotion.needed else ""
    author, by = promotion.asked_by, promotion.ended_by
    asked = Happening(promotion.asked_at, f"{author} asked for it{needed}")
    agreed = [Happening(each.at, f"{each.name} approved it") for each in promotion.approvals]
    if promotion.state is PromotionState.WAITING or not promotion.ended_at:
        return (asked, *agreed)
    words = {
        PromotionState.DONE: f"it was done by the rights of {author}",
        PromotionState.REFUSED: f"{by} refused it",
        PromotionState.EXPIRED: "it expired",
        PromotionState.ROLLED_BACK: f"{by} rolled it back",
    }
    return (asked, *agreed, Happening(promotion.ended_at, words[promotion.state], promotion.why))


def _number(exchange: UiExchange) -> int:
    return number(exchange.params["number"])
