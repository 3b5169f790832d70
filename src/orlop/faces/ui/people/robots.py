"""Robots: what there is, their secrets with their ends and last uses, and new secrets, which are shown once."""

from orlop.domain.access import SubjectKind
from orlop.domain.errors import RegistryError
from orlop.domain.pages import PageRequest
from orlop.faces.ui.account import number
from orlop.faces.ui.exchange import Reply, UiExchange, redirect
from orlop.faces.ui.marks import address_part
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.people.forms import begins_of, beside, ends, expected, robot_name, rows_of
from orlop.faces.ui.routes import Route
from orlop.ports.identity import Account, AccountChange
from orlop.services.management.all import Management
from orlop.services.management.operations import Operation
from orlop.services.management.robots import SECRETS_MAX
from orlop.services.management.secrets import Issued

_GRANTS = 100


class RobotPages:
    """Those of the namespaces that the visitor administers."""

    def __init__(self, pages: Pages, management: Management) -> None:
        self._pages = pages
        self._management = management
        self._robots = management.robots

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (
            Route("GET", "/robots", self.all),
            Route("POST", "/robots", self.add),
            Route("GET", "/robots/{name}", self.one),
            Route("POST", "/robots/{name}/lock", self.lock),
            Route("POST", "/robots/{name}/unlock", self.unlock),
            Route("POST", "/robots/{name}/secrets", self.issue),
            Route("POST", "/robots/{name}/rotate", self.rotate),
            Route("POST", "/robots/{name}/revoke", self.revoke),
            Route("POST", "/robots/{name}/remove", self.remove),
        )

    async def all(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """All that the visitor may see, or those of one namespace."""
        namespace, begins = exchange.query.get("namespace"), begins_of(exchange)
        page = await self._robots.page(
            exchange.caller, rows_of(exchange), namespace, robot_name(begins) if begins else ""
        )
        return self._pages.page(
            exchange,
            "people/robots",
            refusal=refusal,
            parts=("rows",),
            robots=page.items,
            begins=begins,
            more=page.items[-1].name if page.more else "",
            namespace=namespace,
            sent=exchange.form,
        )

    async def add(self, exchange: UiExchange) -> Reply:
        """Make one. It may do nothing yet, and has no secret: its page says how it gets both."""
        try:
            made = await self._robots.add(
                exchange.caller,
                Account(
                    kind=SubjectKind.ROBOT,
                    name=robot_name(exchange.field("name").strip()),
                    namespace=exchange.field("namespace").strip().strip("/"),
                    display=exchange.field("display").strip(),
                ),
            )
        except RegistryError as refusal:
            return await beside(self.all, exchange, refusal)
        return redirect(_address(made.name))

    async def one(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """All that there is to know of one."""
        caller, name, gate = exchange.caller, exchange.params["name"], self._management.gate
        robot = await self._robots.get(caller, name)
        namespace = robot.namespace
        sees = await gate.may(caller, Operation.ROBOT_SECRET_READ, namespace=namespace)
        grants = await self._management.grants.page(caller, PageRequest(_GRANTS), principal=name)
        secrets = await self._robots.secrets(caller, name) if sees else None
        return self._pages.page(
            exchange,
            "people/robot",
            refusal=refusal,
            robot=robot,
            secrets=secrets,
            full=len(secrets or ()) >= SECRETS_MAX,
            grants=[record.grant for record in grants.items],
            keeps=await gate.may(caller, Operation.ROBOT_CHANGE, namespace=namespace),
        )

    async def lock(self, exchange: UiExchange) -> Reply:
        """Shut it out, from the next request on."""
        return await self._changed(exchange, AccountChange(disabled=exchange.field("reason").strip() or "locked"))

    async def unlock(self, exchange: UiExchange) -> Reply:
        """Let it in again."""
        return await self._changed(exchange, AccountChange(disabled=""))

    async def _changed(self, exchange: UiExchange, change: AccountChange) -> Reply:
        name = exchange.params["name"]
        try:
            await self._robots.change(exchange.caller, name, change, expected(exchange))
        except RegistryError as refusal:
            return await beside(self.one, exchange, refusal)
        return redirect(_address(name))

    async def issue(self, exchange: UiExchange) -> Reply:
        """Another secret, shown once."""
        name = exchange.params["name"]
        try:
            until = ends(exchange, self._management.gate.now())
            issued = await self._robots.issue(exchange.caller, name, exchange.field("label").strip(), None, until)
        except RegistryError as refusal:
            return await beside(self.one, exchange, refusal)
        return told(self._pages, exchange, name, issued)

    async def rotate(self, exchange: UiExchange) -> Reply:
        """A new secret like the newest, which stays good until the next rotation."""
        name = exchange.params["name"]
        try:
            issued = await self._robots.rotate(exchange.caller, name, None)
        except RegistryError as refusal:
            return await beside(self.one, exchange, refusal)
        return told(self._pages, exchange, name, issued)

    async def revoke(self, exchange: UiExchange) -> Reply:
        """End one secret at once."""
        name = exchange.params["name"]
        try:
            await self._robots.revoke(exchange.caller, name, number(exchange.field("id")))
        except RegistryError as refusal:
            return await beside(self.one, exchange, refusal)
        return redirect(_address(name))

    async def remove(self, exchange: UiExchange) -> Reply:
        """Says what goes along, and removes once that is confirmed."""
        name = exchange.params["name"]
        try:
            if exchange.field("sure") != "yes":
                robot = await self._robots.get(exchange.caller, name, Operation.ROBOT_REMOVE)
                grants = await self._management.grants.page(exchange.caller, PageRequest(_GRANTS), principal=name)
                return self._pages.page(
                    exchange,
                    "people/sure",
                    heading=f"Remove {name}",
                    effects=[
                        "Its secrets and trusts end at once: whatever signs in as it fails from then on.",
                        *(f"{str(record.grant).capitalize()}: it goes with the robot." for record in grants.items),
                        "What it pushed stays.",
                    ],
                    kept={"version": robot.version},
                    verb="Remove the robot",
                    back=_address(name),
                )
            await self._robots.remove(exchange.caller, name, expected(exchange))
        except RegistryError as refusal:
            return await beside(self.one, exchange, refusal)
        return redirect("/robots")


def told(pages: Pages, exchange: UiExchange, name: str, issued: Issued, back: str = "") -> Reply:
    """The page that shows a new secret, which no other does."""
    return pages.page(
        exchange,
        "people/secret",
        name=name,
        secret=issued.text,
        expires_at=issued.secret.expires_at,
        back=back or _address(name),
    )


def _address(name: str) -> str:
    return f"/robots/{address_part(name)}"
