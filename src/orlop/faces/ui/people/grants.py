"""Grants: listed by whom they concern or by their place, made and taken away."""

from orlop.domain.access import Place
from orlop.domain.errors import RegistryError
from orlop.domain.pages import PageRequest
from orlop.faces.ui.account import number
from orlop.faces.ui.exchange import Reply, UiExchange, local_path, redirect
from orlop.faces.ui.marks import address_part
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.people.forms import beside, new_grant, rows_of
from orlop.faces.ui.routes import Route
from orlop.ports.settings import ROLE
from orlop.services.management.all import Management

_ROLES = 200


class GrantPages:
    """The visitor's own, and those on places that they administer."""

    def __init__(self, pages: Pages, management: Management) -> None:
        self._pages = pages
        self._management = management
        self._grants = management.grants

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (
            Route("GET", "/grants", self.all),
            Route("POST", "/grants", self.add),
            Route("POST", "/grants/remove", self.remove),
        )

    async def all(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """Those that the visitor may see; of one principal, or on exactly one place."""
        principal, typed = exchange.query.get("principal", ""), exchange.query.get("place", "")
        place = Place.typed(typed) if typed else None
        page = await self._grants.page(exchange.caller, rows_of(exchange), principal=principal or None, place=place)
        more = f"/grants?principal={address_part(principal)}&place={address_part(typed)}"
        return self._pages.page(
            exchange,
            "people/grants",
            refusal=refusal,
            parts=("rows",),
            records=page.items,
            more=f"{more}&last={page.items[-1].grant.id}" if page.more else "",
            principal=principal,
            place=typed,
            roles=await roles_of(self._management, exchange),
            sent=exchange.form,
        )

    async def add(self, exchange: UiExchange) -> Reply:
        """Give or deny somebody a role somewhere."""
        try:
            place = Place.typed(exchange.field("place").strip())
            grant = new_grant(exchange, self._management.gate.now(), exchange.field("principal").strip(), place)
            await self._grants.add(exchange.caller, grant)
        except RegistryError as refusal:
            return await beside(self.all, exchange, refusal)
        return redirect(f"/grants?principal={address_part(grant.principal)}")

    async def remove(self, exchange: UiExchange) -> Reply:
        """Says which one it is, and takes it away once that is confirmed."""
        back = local_path(exchange.field("next"), "/grants")
        id = number(exchange.field("id"))  # noqa: A001
        grant = (await self._grants.get(exchange.caller, id)).grant
        refused: RegistryError | None = None
        if exchange.field("sure") == "yes":
            try:
                await self._grants.remove(exchange.caller, id)
            except RegistryError as refusal:
                refused = refusal
            else:
                return redirect(back)
        return self._pages.page(
            exchange,
            "people/sure",
            refusal=refused,
            heading=f"Remove grant {id}",
            effects=[
                f"{str(grant).capitalize()}.",
                "It counts from the next request on; what else they are granted stays.",
            ],
            kept={"id": id, "next": back},
            verb="Remove the grant",
            back=back,
        )


async def roles_of(management: Management, exchange: UiExchange) -> tuple[str, ...]:
    """The roles that a form offers."""
    page = await management.settings.page(exchange.caller, ROLE, PageRequest(_ROLES))
    return tuple(shown.name for shown in page.items)
