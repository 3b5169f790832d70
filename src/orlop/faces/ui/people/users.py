"""Users: who there is, made, changed, locked out, let in again and removed; their sessions."""

from collections.abc import Mapping
from contextlib import suppress

from orlop.domain.access import Action
from orlop.domain.errors import NotFound, RegistryError
from orlop.faces.ui.exchange import Reply, UiExchange, redirect
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.people.accounts import AccountPages
from orlop.faces.ui.people.entries import Deed, Removal, going_with
from orlop.faces.ui.people.forms import begins_of, ends, rows_of
from orlop.ports.identity import Account, AccountChange
from orlop.services.management.all import Management
from orlop.services.management.explain import ExplainQuery
from orlop.services.management.operations import Operation


class UserPages(AccountPages):
    """Whoever does not rule or audit the registry finds themselves here and nobody else."""

    def __init__(self, pages: Pages, management: Management) -> None:
        super().__init__(pages, management, "/people")

    def deeds(self) -> Mapping[str, Deed]:
        """See `EntryPages`."""
        return {
            "change": self.describe,
            "lock": self.lock,
            "unlock": self.unlock,
            "password": self.set_password,
            "sessions": self.end_sessions,
        }

    async def all(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """See `EntryPages`."""
        page = await self._management.users.page(exchange.caller, rows_of(exchange), begins_of(exchange))
        rules = await self._management.gate.may(exchange.caller, Operation.USER_ADD)
        return self._list(exchange, "people/users", page, refusal, rules=rules)

    async def add(self, exchange: UiExchange) -> Reply:
        """Make one, who chooses another password at the first sign-in."""
        account = Account(
            name=exchange.field("name").strip(),
            display=exchange.field("display").strip(),
            email=exchange.field("email").strip(),
            expires_at=ends(exchange, self._management.gate.now()),
        )
        made = await self._management.users.add(exchange.caller, account, exchange.field("password") or None)
        return redirect(self.address(made.name))

    async def one(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """See `EntryPages`."""
        caller, name = exchange.caller, exchange.params["name"]
        user = await self._management.users.get(caller, name)
        gate, itself = self._management.gate, name == caller.subject.name
        explained = await self._management.explaining.explain(caller, ExplainQuery(subject=name, action=Action.LIST))
        sees_sessions = await gate.may(caller, Operation.SESSION_READ, own=itself)
        return self._pages.page(
            exchange,
            "people/user",
            refusal=refusal,
            user=user,
            itself=itself,
            groups=explained.groups,
            grants=await self._grants(exchange, name),
            sessions=await self._management.sessions.of(caller, name) if sees_sessions else None,
            rules=await gate.may(caller, Operation.USER_CHANGE),
        )

    async def describe(self, exchange: UiExchange) -> None:
        """What they are called, and where they are reached."""
        change = AccountChange(display=exchange.field("display").strip(), email=exchange.field("email").strip())
        await self._changed(exchange, change)

    async def change(self, exchange: UiExchange, name: str, change: AccountChange, version: int | None) -> None:
        """See `AccountPages`."""
        await self._management.users.change(exchange.caller, name, change, version)

    async def set_password(self, exchange: UiExchange) -> None:
        """Give somebody another password; what they are signed in with ends."""
        name, keep = exchange.params["name"], exchange.field("keep") == "yes"
        password = exchange.field("password")
        await self._management.users.set_password(exchange.caller, name, password, must_change=not keep)

    async def end_sessions(self, exchange: UiExchange) -> None:
        """One browser of somebody, or all that they are signed in with."""
        name, which = exchange.params["name"], exchange.field("id")
        if which == "all":
            await self._management.sessions.end_all(exchange.caller, name)
        else:
            with suppress(NotFound):  # it ended meanwhile
                await self._management.sessions.end(exchange.caller, name, which)

    async def removal(self, exchange: UiExchange, name: str) -> Removal:
        """See `EntryPages`."""
        user = await self._management.users.get(exchange.caller, name)
        await self._management.gate.check(exchange.caller, Operation.USER_REMOVE)
        effects = [
            f"{name} is signed out everywhere, and their access tokens end.",
            "They are taken out of every group, and out of every rule that names them.",
            *going_with(await self._grants(exchange, name), "them"),
            "What they pushed stays.",
        ]
        return Removal(f"Remove {name}", effects, user.version, "Remove the user")

    async def remove(self, exchange: UiExchange, name: str, version: int | None) -> None:
        """See `EntryPages`."""
        await self._management.users.remove(exchange.caller, name, version)
