"""Groups: what there is, who is in them, and what they are granted."""

from collections.abc import Mapping

from orlop.domain.access.subjects import group_principal
from orlop.domain.errors import RegistryError
from orlop.faces.ui.exchange import Reply, UiExchange, redirect
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.people.entries import Deed, EntryPages, Removal, going_with
from orlop.faces.ui.people.forms import begins_of, rows_of
from orlop.ports.identity import LOCAL
from orlop.services.management.all import Management
from orlop.services.management.operations import Operation


class GroupPages(EntryPages):
    """Whoever does not rule or audit the registry finds their own groups here, without who else is in them."""

    def __init__(self, pages: Pages, management: Management) -> None:
        super().__init__(pages, management, "/groups")

    def deeds(self) -> Mapping[str, Deed]:
        """See `EntryPages`."""
        return {"join": self.join, "leave": self.leave}

    async def all(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """See `EntryPages`."""
        page = await self._management.groups.page(exchange.caller, rows_of(exchange), begins_of(exchange))
        rules = await self._management.gate.may(exchange.caller, Operation.GROUP_ADD)
        return self._list(exchange, "people/groups", page, refusal, rules=rules)

    async def add(self, exchange: UiExchange) -> Reply:
        """Make one, with nobody in it."""
        name, description = exchange.field("name").strip(), exchange.field("description").strip()
        made = await self._management.groups.add(exchange.caller, name, description)
        return redirect(self.address(made.name))

    async def one(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """Its members and its grants."""
        caller, name, gate = exchange.caller, exchange.params["name"], self._management.gate
        group = await self._management.groups.get(caller, name)
        sees = await gate.may(caller, Operation.MEMBER_READ)
        members = await self._management.groups.members(caller, name, rows_of(exchange)) if sees else None
        return self._pages.page(
            exchange,
            "people/group",
            refusal=refusal,
            parts=("rows",),
            group=group,
            members=members.items if members else None,
            more=members.items[-1] if members and members.more else "",
            grants=await self._grants(exchange, group_principal(name)),
            rules=await gate.may(caller, Operation.MEMBER_CHANGE),
            local=group.source == LOCAL,
        )

    async def join(self, exchange: UiExchange) -> None:
        """Put somebody into it."""
        account = exchange.field("account").strip()
        await self._management.groups.join(exchange.caller, exchange.params["name"], account)

    async def leave(self, exchange: UiExchange) -> None:
        """Take somebody out of it."""
        await self._management.groups.leave(exchange.caller, exchange.params["name"], exchange.field("account"))

    async def removal(self, exchange: UiExchange, name: str) -> Removal:
        """See `EntryPages`."""
        await self._management.gate.check(exchange.caller, Operation.GROUP_REMOVE)
        group = await self._management.groups.get(exchange.caller, name)
        effects = [
            f"{group.members} are in it, and lose what it gives them; their accounts stay.",
            *going_with(await self._grants(exchange, group_principal(name)), "the group"),
            "It is taken out of every rule that names it.",
        ]
        return Removal(f"Remove the group {name}", effects, group.version, "Remove the group")

    async def remove(self, exchange: UiExchange, name: str, version: int | None) -> None:
        """See `EntryPages`."""
        await self._management.groups.remove(exchange.caller, name, version)
