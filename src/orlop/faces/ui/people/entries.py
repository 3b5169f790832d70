"""What pages of users, groups, robots and settings have in common: a list with a form for a new one, a page of each
with forms that change it, and a removal that is confirmed."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, Protocol, TypeVar

from orlop.domain.access import Grant
from orlop.domain.errors import RegistryError
from orlop.domain.pages import Page, PageRequest
from orlop.faces.ui.exchange import Reply, UiExchange, redirect
from orlop.faces.ui.marks import address_part
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.people.forms import Show, begins_of, beside, expected
from orlop.faces.ui.routes import Handler, Route
from orlop.services.management.all import Management

#: Grants of one principal that are shown on its page; the list of grants goes on.
_GRANTS = 100

#: What a form does; without a reply of its own it leads on to the page of its entry.
Deed = Callable[[UiExchange], Awaitable[Reply | None]]


class Named(Protocol):
    """What a list is of."""

    @property
    def name(self) -> str: ...


_Entry = TypeVar("_Entry", bound=Named)


class Removal(NamedTuple):
    """What is asked before something is removed. `version`: of what was looked at."""

    heading: str
    effects: list[str]
    version: int
    verb: str


class EntryPages(ABC):
    """A form that is refused is shown again, with the reason. `path`: the address of the list, and begins those of its
    entries."""

    def __init__(self, pages: Pages, management: Management, path: str) -> None:
        self.path = path
        self._pages = pages
        self._management = management

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        of_one = f"{self.path}/{{name}}"
        deeds = {**self.deeds(), "remove": self._remove}
        return (
            Route("GET", self.path, self.all),
            Route("POST", self.path, self._form(self.add, self.all)),
            Route("GET", of_one, self.one),
            *(Route("POST", f"{of_one}/{verb}", self._form(deed, self.one)) for verb, deed in deeds.items()),
        )

    @abstractmethod
    async def all(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """Those that the visitor may see, and a form for another."""

    @abstractmethod
    async def add(self, exchange: UiExchange) -> Reply:
        """Make one."""

    @abstractmethod
    async def one(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """All that there is to know of one, and forms that change it."""

    @abstractmethod
    def deeds(self) -> Mapping[str, Deed]:
        """What its forms do besides, by how their addresses end."""

    @abstractmethod
    async def removal(self, exchange: UiExchange, name: str) -> Removal:
        """What removing it means, for whoever may."""

    @abstractmethod
    async def remove(self, exchange: UiExchange, name: str, version: int | None) -> None:
        """Remove it."""

    def address(self, name: str) -> str:
        """Of the page of one."""
        return f"{self.path}/{address_part(name)}"

    def _list(
        self,
        exchange: UiExchange,
        template: str,
        page: Page[_Entry],
        refusal: RegistryError | None,
        **values: Any,
    ) -> Reply:
        return self._pages.page(
            exchange,
            template,
            refusal=refusal,
            parts=("rows",),
            entries=page.items,
            begins=begins_of(exchange),
            more=page.items[-1].name if page.more else "",
            sent=exchange.form,
            **values,
        )

    async def _grants(self, exchange: UiExchange, principal: str) -> list[Grant]:
        """The first of what is granted to somebody."""
        page = await self._management.grants.page(exchange.caller, PageRequest(_GRANTS), principal=principal)
        return [record.grant for record in page.items]

    def _form(self, deed: Deed, show: Show) -> Handler:
        """What a form does, and the page that it stands on where that is refused."""

        async def handler(exchange: UiExchange) -> Reply:
            try:
                reply = await deed(exchange)
            except RegistryError as refusal:
                return await beside(show, exchange, refusal)
            return reply or redirect(self.address(exchange.params["name"]))

        return handler

    async def _remove(self, exchange: UiExchange) -> Reply:
        """Say what it means, and remove it once that is confirmed."""
        name = exchange.params["name"]
        if exchange.field("sure") == "yes":
            await self.remove(exchange, name, expected(exchange))
            return redirect(self.path)
        asked = await self.removal(exchange, name)
        return self._pages.page(
            exchange,
            "people/sure",
            heading=asked.heading,
            effects=asked.effects,
            kept={"version": asked.version},
            verb=asked.verb,
            back=self.address(name),
        )


def going_with(grants: list[Grant], what: str) -> list[str]:
    """What becomes of grants whose principal goes."""
    return [f"{str(grant).capitalize()}: it goes with {what}." for grant in grants]
