"""Groups: what there is, who is in them, and what they are granted."""

from orlop.domain.access.subjects import group_principal
from orlop.domain.errors import RegistryError
from orlop.domain.pages import PageRequest
from orlop.faces.ui.exchange import Reply, UiExchange, redirect
from orlop.faces.ui.marks import address_part
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.people.forms import begins_of, beside, expected, rows_of
from orlop.faces.ui.routes import Route
from orlop.ports.identity import LOCAL
from orlop.services.management.all import Management
from orlop.services.management.operations import Operation

_GRANTS = 100


class GroupPages:
    """Whoever does not rule or audit the registry finds their own groups here, without who else is in them."""

    def __init__(self, pages: Pages, management: Management) -> None:
        self._pages = pages
        self._management = management
        self._groups = management.groups

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (
            Route("GET", "/groups", self.all),
            Route("POST", "/groups", self.add),
            Route("GET", "/groups/{name}", self.one),
            Route("POST", "/groups/{name}/join", self.join),
            Route("POST", "/groups/{name}/leave", self.leave),
            Route("POST", "/groups/{name}/remove", self.remove),
        )

    async def all(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """All that the visitor may see."""
        page = await self._groups.page(exchange.caller, rows_of(exchange), begins_of(exchange))
        return self._pages.page(
            exchange,
            "people/groups",
            refusal=refusal,
            parts=("rows",),
            groups=page.items,
            begins=begins_of(exchange),
            more=page.items[-1].name if page.more else "",
            rules=await self._management.gate.may(exchange.caller, Operation.GROUP_ADD),
            sent=exchange.form,
        )

    async def add(self, exchange: UiExchange) -> Reply:
        """Make one, with nobody in it."""
        try:
            made = await self._groups.add(
                exchange.caller, exchange.field("name").strip(), exchange.field("description").strip()
            )
        except RegistryError as refusal:
            return await beside(self.all, exchange, refusal)
        return redirect(_address(made.name))

    async def one(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """Its members and its grants."""
        caller, name, gate = exchange.caller, exchange.params["name"], self._management.gate
        group = await self._groups.get(caller, name)
        sees = await gate.may(caller, Operation.MEMBER_READ)
        members = await self._groups.members(caller, name, rows_of(exchange)) if sees else None
        grants = await self._management.grants.page(caller, PageRequest(_GRANTS), principal=group_principal(name))
        return self._pages.page(
            exchange,
            "people/group",
            refusal=refusal,
            parts=("rows",),
            group=group,
            members=members.items if members else None,
            more=members.items[-1] if members and members.more else "",
            grants=[record.grant for record in grants.items],
            rules=await gate.may(caller, Operation.MEMBER_CHANGE),
            local=group.source == LOCAL,
        )

    async def join(self, exchange: UiExchange) -> Reply:
        """Put somebody into it."""
        name = exchange.params["name"]
        try:
            await self._groups.join(exchange.caller, name, exchange.field("account").strip())
        except RegistryError as refusal:
            return await beside(self.one, exchange, refusal)
        return redirect(_address(name))

    async def leave(self, exchange: UiExchange) -> Reply:
        """Take somebody out of it."""
        name = exchange.params["name"]
        try:
            await self._groups.leave(exchange.caller, name, exchange.field("account"))
        except RegistryError as refusal:
            return await beside(self.one, exchange, refusal)
        return redirect(_address(name))

    async def remove(self, exchange: UiExchange) -> Reply:
        """Says what goes along, and removes once that is confirmed."""
        name = exchange.params["name"]
        try:
            if exchange.field("sure") != "yes":
                await self._management.gate.check(exchange.caller, Operation.GROUP_REMOVE)
                group = await self._groups.get(exchange.caller, name)
                principal = group_principal(name)
                grants = await self._management.grants.page(exchange.caller, PageRequest(_GRANTS), principal=principal)
                return self._pages.page(
                    exchange,
                    "people/sure",
                    heading=f"Remove the group {name}",
                    effects=[
                        f"{group.members} are in it, and lose what it gives them; their accounts stay.",
                        *(f"{str(record.grant).capitalize()}: it goes with the group." for record in grants.items),
                        "It is taken out of every rule that names it.",
                    ],
                    kept={"version": group.version},
                    verb="Remove the group",
                    back=_address(name),
                )
            await self._groups.remove(exchange.caller, name, expected(exchange))
        except RegistryError as refusal:
            return await beside(self.one, exchange, refusal)
        return redirect("/groups")


def _address(name: str) -> str:
    return f"/groups/{address_part(name)}"
