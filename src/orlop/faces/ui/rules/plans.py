"""Plans of retention: what rules would delete and keep at a place and why, and the confirmation that applies one."""

from orlop.domain.durations import DAY, HOUR
from orlop.domain.errors import NotFound, RegistryError
from orlop.domain.pages import PageRequest
from orlop.domain.retention.plans import PlanState
from orlop.faces.ui.exchange import Reply, UiExchange, redirect
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.faces.ui.rules.settings import path_of
from orlop.services.desks import Desks

#: How many plans, and how many items of each column, are on a page.
_PLANS, _ITEMS = 50, 50


class PlanPages:
    """Whoever may edit rules at a place sees its plans; whoever may delete there, too, applies them."""

    def __init__(self, pages: Pages, desks: Desks) -> None:
        self._pages = pages
        self._desk = desks.retention
        self._reviews = desks.reviews

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (
            Route("GET", "/plans", self.listed),
            Route("POST", "/plans", self.make),
            Route("GET", "/plans/{number}", self.show),
            Route("POST", "/plans/{number}/apply", self.apply),
        )

    async def listed(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """The newest first; of one place, if the address says so."""
        typed = exchange.query.get("path", exchange.field("path")).strip()
        path = path_of(typed) if typed else None
        last = exchange.query.get("last", "")
        found = await self._desk.page(exchange.caller, PageRequest(_PLANS, last), path if refusal is None else None)
        return self._pages.page(
            exchange,
            "rules/plans",
            refusal=refusal,
            parts=("rows",),
            typed=typed,
            plans=found.items,
            last=str(found.items[-1].id) if found.more else "",
            may_plan=refusal is not None or await self._desk.may_plan(exchange.caller, path or ""),
        )

    async def make(self, exchange: UiExchange) -> Reply:
        """Have one made, and go there."""
        try:
            plan = await self._desk.preview(exchange.caller, path_of(exchange.field("path")))
        except RegistryError as refusal:
            return await self.listed(exchange, refusal)
        return redirect(f"/plans/{plan.id}")

    async def show(self, exchange: UiExchange) -> Reply:
        """What goes and what stays, side by side."""
        number = plan_number(exchange)
        review = await self._reviews.of(exchange.caller, number)
        going = await self._desk.items(
            exchange.caller, number, PageRequest(_ITEMS, exchange.query.get("deleted", "")), deletes=True
        )
        kept, kept_last = await self._desk.kept(
            exchange.caller, number, PageRequest(_ITEMS, exchange.query.get("kept", ""))
        )
        return self._pages.page(
            exchange,
            "rules/plan",
            parts=("going", "staying", "state"),
            review=review,
            plan=review.plan,
            trash=words_of(review.trash_for),
            going=going.items,
            going_last=going.items[-1].key if going.more else "",
            kept=kept,
            kept_last=kept_last,
        )

    async def apply(self, exchange: UiExchange) -> Reply:
        """Ask, and then have exactly what the plan shows deleted."""
        number = plan_number(exchange)
        review = await self._reviews.of(exchange.caller, number)
        refusal = None
        try:
            if exchange.field("confirmed"):
                over = bool(exchange.field("over"))
                await self._desk.apply(exchange.caller, number, over_brake=over)
                return redirect(f"/plans/{number}")
            await self._desk.check_apply(exchange.caller, review.plan)
        except RegistryError as error:
            refusal = error
        return self._pages.page(
            exchange,
            "rules/apply",
            refusal=refusal,
            review=review,
            plan=review.plan,
            trash=words_of(review.trash_for),
            can=review.may_apply and review.plan.state is PlanState.PLANNED,
        )


def plan_number(exchange: UiExchange) -> int:
    """The number in the path. Raises NotFound."""
    text = exchange.params["number"]
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise NotFound("there is no such page")
    return int(text)


def words_of(time: int) -> str:
    """A length of time in hours or days; empty for none."""
    amount, unit = (time // DAY, "day") if time % DAY == 0 else (-(-time // HOUR), "hour")
    return f"{amount} {unit}{'s' if amount != 1 else ''}" if time else ""
