"""Robots: what there is, their secrets with their ends and last uses, and new secrets, which are shown once."""

from collections.abc import Mapping

from orlop.domain.access import SubjectKind
from orlop.domain.errors import RegistryError
from orlop.faces.ui.account import number
from orlop.faces.ui.exchange import Reply, UiExchange, redirect
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.people.accounts import AccountPages
from orlop.faces.ui.people.entries import Deed, Removal, going_with
from orlop.faces.ui.people.forms import begins_of, ends, robot_name, rows_of
from orlop.ports.identity import Account, AccountChange
from orlop.services.management.all import Management
from orlop.services.management.operations import Operation
from orlop.services.management.robots import SECRETS_MAX
from orlop.services.management.secrets import Issued


class RobotPages(AccountPages):
    """Those of the namespaces that the visitor administers."""

    def __init__(self, pages: Pages, management: Management) -> None:
        super().__init__(pages, management, "/robots")

    def deeds(self) -> Mapping[str, Deed]:
        """See `EntryPages`."""
        return {
            "lock": self.lock,
            "unlock": self.unlock,
            "secrets": self.issue,
            "rotate": self.rotate,
            "revoke": self.revoke,
        }

    async def all(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """All that the visitor may see, or those of one namespace."""
        namespace, begins = exchange.query.get("namespace"), begins_of(exchange)
        begins = robot_name(begins) if begins else ""
        page = await self._management.robots.page(exchange.caller, rows_of(exchange), namespace, begins)
        return self._list(exchange, "people/robots", page, refusal, namespace=namespace)

    async def add(self, exchange: UiExchange) -> Reply:
        """Make one. It may do nothing yet, and has no secret: its page says how it gets both."""
        account = Account(
            kind=SubjectKind.ROBOT,
            name=robot_name(exchange.field("name").strip()),
            namespace=exchange.field("namespace").strip().strip("/"),
            display=exchange.field("display").strip(),
        )
        made = await self._management.robots.add(exchange.caller, account)
        return redirect(self.address(made.name))

    async def one(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """See `EntryPages`."""
        caller, name, gate = exchange.caller, exchange.params["name"], self._management.gate
        robot = await self._management.robots.get(caller, name)
        namespace = robot.namespace
        sees = await gate.may(caller, Operation.ROBOT_SECRET_READ, namespace=namespace)
        secrets = await self._management.robots.secrets(caller, name) if sees else None
        return self._pages.page(
            exchange,
            "people/robot",
            refusal=refusal,
            robot=robot,
            secrets=secrets,
            full=len(secrets or ()) >= SECRETS_MAX,
            grants=await self._grants(exchange, name),
            keeps=await gate.may(caller, Operation.ROBOT_CHANGE, namespace=namespace),
        )

    async def change(self, exchange: UiExchange, name: str, change: AccountChange, version: int | None) -> None:
        """See `AccountPages`."""
        await self._management.robots.change(exchange.caller, name, change, version)

    async def issue(self, exchange: UiExchange) -> Reply:
        """Another secret, shown once."""
        name, label = exchange.params["name"], exchange.field("label").strip()
        until = ends(exchange, self._management.gate.now())
        issued = await self._management.robots.issue(exchange.caller, name, label, None, until)
        return told(self._pages, exchange, name, issued, self.address(name))

    async def rotate(self, exchange: UiExchange) -> Reply:
        """A new secret like the newest, which stays good until the next rotation."""
        name = exchange.params["name"]
        issued = await self._management.robots.rotate(exchange.caller, name, None)
        return told(self._pages, exchange, name, issued, self.address(name))

    async def revoke(self, exchange: UiExchange) -> None:
        """End one secret at once."""
        await self._management.robots.revoke(exchange.caller, exchange.params["name"], number(exchange.field("id")))

    async def removal(self, exchange: UiExchange, name: str) -> Removal:
        """See `EntryPages`."""
        robot = await self._management.robots.get(exchange.caller, name, Operation.ROBOT_REMOVE)
        effects = [
            "Its secrets and trusts end at once: whatever signs in as it fails from then on.",
            *going_with(await self._grants(exchange, name), "the robot"),
            "What it pushed stays.",
        ]
        return Removal(f"Remove {name}", effects, robot.version, "Remove the robot")

    async def remove(self, exchange: UiExchange, name: str, version: int | None) -> None:
        """See `EntryPages`."""
        await self._management.robots.remove(exchange.caller, name, version)


def told(pages: Pages, exchange: UiExchange, name: str, issued: Issued, back: str) -> Reply:
    """The page that shows a new secret, which no other does."""
    expires_at = issued.secret.expires_at
    return pages.page(exchange, "people/secret", name=name, secret=issued.text, expires_at=expires_at, back=back)
