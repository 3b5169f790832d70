"""Users: who there is, made, changed, locked out, let in again and removed; their sessions."""

from contextlib import suppress

from orlop.domain.access import Action
from orlop.domain.errors import NotFound, RegistryError
from orlop.domain.pages import PageRequest
from orlop.faces.ui.exchange import Reply, UiExchange, redirect
from orlop.faces.ui.marks import address_part
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.people.forms import begins_of, beside, ends, expected, rows_of
from orlop.faces.ui.routes import Route
from orlop.ports.identity import Account, AccountChange
from orlop.services.management.all import Management
from orlop.services.management.explain import ExplainQuery
from orlop.services.management.operations import Operation

#: Grants of one user that are shown on their page; the list of grants goes on.
_GRANTS = 100


class UserPages:
    """Whoever does not rule or audit the registry finds themselves here and nobody else."""

    def __init__(self, pages: Pages, management: Management) -> None:
        self._pages = pages
        self._management = management
        self._users = management.users

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (
            Route("GET", "/people", self.all),
            Route("POST", "/people", self.add),
            Route("GET", "/people/{name}", self.one),
            Route("POST", "/people/{name}/change", self.change),
            Route("POST", "/people/{name}/lock", self.lock),
            Route("POST", "/people/{name}/unlock", self.unlock),
            Route("POST", "/people/{name}/password", self.set_password),
            Route("POST", "/people/{name}/sessions", self.end_sessions),
            Route("POST", "/people/{name}/remove", self.remove),
        )

    async def all(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """Everybody whom the visitor may see."""
        page = await self._users.page(exchange.caller, rows_of(exchange), begins_of(exchange))
        return self._pages.page(
            exchange,
            "people/users",
            refusal=refusal,
            parts=("rows",),
            users=page.items,
            begins=begins_of(exchange),
            more=page.items[-1].name if page.more else "",
            rules=await self._management.gate.may(exchange.caller, Operation.USER_ADD),
            sent=exchange.form,
        )

    async def add(self, exchange: UiExchange) -> Reply:
        """Make one, who chooses another password at the first sign-in."""
        try:
            made = await self._users.add(
                exchange.caller,
                Account(
                    name=exchange.field("name").strip(),
                    display=exchange.field("display").strip(),
                    email=exchange.field("email").strip(),
                    expires_at=ends(exchange, self._management.gate.now()),
                ),
                exchange.field("password") or None,
            )
        except RegistryError as refusal:
            return await beside(self.all, exchange, refusal)
        return redirect(_address(made.name))

    async def one(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """All that there is to know of one."""
        caller, name = exchange.caller, exchange.params["name"]
        user = await self._users.get(caller, name)
        gate, itself = self._management.gate, name == caller.subject.name
        explained = await self._management.explaining.explain(caller, ExplainQuery(subject=name, action=Action.LIST))
        grants = await self._management.grants.page(caller, PageRequest(_GRANTS), principal=name)
        sees_sessions = await gate.may(caller, Operation.SESSION_READ, own=itself)
        return self._pages.page(
            exchange,
            "people/user",
            refusal=refusal,
            user=user,
            itself=itself,
            groups=explained.groups,
            grants=[record.grant for record in grants.items],
            sessions=await self._management.sessions.of(caller, name) if sees_sessions else None,
            rules=await gate.may(caller, Operation.USER_CHANGE),
        )

    async def change(self, exchange: UiExchange) -> Reply:
        """What they are called, and until when they are here."""
        change = AccountChange(display=exchange.field("display").strip(), email=exchange.field("email").strip())
        return await self._changed(exchange, change)

    async def lock(self, exchange: UiExchange) -> Reply:
        """Shut somebody out, from the next request on."""
        return await self._changed(exchange, AccountChange(disabled=exchange.field("reason").strip() or "locked"))

    async def unlock(self, exchange: UiExchange) -> Reply:
        """Let somebody in again."""
        return await self._changed(exchange, AccountChange(disabled=""))

    async def _changed(self, exchange: UiExchange, change: AccountChange) -> Reply:
        name = exchange.params["name"]
        try:
            await self._users.change(exchange.caller, name, change, expected(exchange))
        except RegistryError as refusal:
            return await beside(self.one, exchange, refusal)
        return redirect(_address(name))

    async def set_password(self, exchange: UiExchange) -> Reply:
        """Give somebody another password; what they are signed in with ends."""
        name, keep = exchange.params["name"], exchange.field("keep") == "yes"
        try:
            await self._users.set_password(exchange.caller, name, exchange.field("password"), must_change=not keep)
        except RegistryError as refusal:
            return await beside(self.one, exchange, refusal)
        return redirect(_address(name))

    async def end_sessions(self, exchange: UiExchange) -> Reply:
        """One browser of somebody, or all that they are signed in with."""
        name, which = exchange.params["name"], exchange.field("id")
        try:
            if which == "all":
                await self._management.sessions.end_all(exchange.caller, name)
            else:
                with suppress(NotFound):  # it ended meanwhile
                    await self._management.sessions.end(exchange.caller, name, which)
        except RegistryError as refusal:
            return await beside(self.one, exchange, refusal)
        return redirect(_address(name))

    async def remove(self, exchange: UiExchange) -> Reply:
        """Says what goes along, and removes once that is confirmed."""
        name = exchange.params["name"]
        try:
            user = await self._users.get(exchange.caller, name)
            if exchange.field("sure") != "yes":
                await self._management.gate.check(exchange.caller, Operation.USER_REMOVE)
                grants = await self._management.grants.page(exchange.caller, PageRequest(_GRANTS), principal=name)
                return self._pages.page(
                    exchange,
                    "people/sure",
                    heading=f"Remove {name}",
                    effects=[
                        f"{name} is signed out everywhere, and their access tokens end.",
                        "They are taken out of every group, and out of every rule that names them.",
                        *(f"{str(record.grant).capitalize()}: it goes with them." for record in grants.items),
                        "What they pushed stays.",
                    ],
                    kept={"version": user.version},
                    verb="Remove the user",
                    back=_address(name),
                )
            await self._users.remove(exchange.caller, name, expected(exchange))
        except RegistryError as refusal:
            return await beside(self.one, exchange, refusal)
        return redirect("/people")


def _address(name: str) -> str:
    return f"/people/{address_part(name)}"
