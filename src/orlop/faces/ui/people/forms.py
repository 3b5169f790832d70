"""What the forms of these pages have in common: ends, places, pages of a list, refusals beside the form."""

from collections.abc import Awaitable, Callable

from orlop.domain.access import Conditions, Effect, Place
from orlop.domain.durations import DAY
from orlop.domain.errors import RegistryError, RequestInvalid
from orlop.domain.pages import PageRequest
from orlop.faces.ui.account import number
from orlop.faces.ui.exchange import Reply, UiExchange
from orlop.ports.identity import NewGrant

#: Rows of a table before it says that there are more.
ROWS = 50

#: Days that a form offers for the life of a secret, a grant or an account; 0 is for ever.
_DAYS_MAX = 36_500

Show = Callable[[UiExchange, RegistryError | None], Awaitable[Reply]]


async def beside(show: Show, exchange: UiExchange, refusal: RegistryError) -> Reply:
    """The page that holds the form, with what was wrong with it; the refusal alone where that page is not to be
    seen either."""
    try:
        return await show(exchange, refusal)
    except RegistryError:
        raise refusal from None


def rows_of(exchange: UiExchange) -> PageRequest:
    """The part of a list that an address asks for."""
    return PageRequest(ROWS, exchange.query.get("last", ""))


def begins_of(exchange: UiExchange) -> str:
    """How the names begin that a list is narrowed to."""
    return exchange.query.get("begins", "").strip()


def ends(exchange: UiExchange, now: int, field: str = "days") -> int:
    """When something ends, by the days of a form; 0: never. Raises RequestInvalid."""
    days = number(exchange.field(field) or "0")
    if days > _DAYS_MAX:
        raise RequestInvalid(f"{days} days are too many; leave the field empty for what never ends")
    return now + days * DAY if days else 0


def expected(exchange: UiExchange) -> int | None:
    """The version of what the form was filled in for."""
    given = exchange.field("version")
    return number(given) if given else None


def robot_name(text: str) -> str:
    """A robot's name, with its `robot+` in front."""
    return text if text.startswith("robot+") else f"robot+{text}"


def new_grant(exchange: UiExchange, now: int, principal: str, place: Place) -> NewGrant:
    """The grant that a form describes. Raises RequestInvalid."""
    networks = tuple(exchange.field("networks").replace(",", " ").split())
    return NewGrant(
        effect=Effect.DENY if exchange.field("effect") == "deny" else Effect.ALLOW,
        principal=principal,
        role=exchange.field("role"),
        place=place,
        tags=exchange.field("tags").strip(),
        conditions=Conditions(networks=networks),
        expires_at=ends(exchange, now),
    )
