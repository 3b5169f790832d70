"""What all pages of one place share: what it is, and its tabs."""

from contextlib import suppress

import msgspec

from orlop.domain.access import Visibility
from orlop.domain.errors import Denied, NameUnknown, NotFound, Unauthorized, Unavailable
from orlop.domain.names import RepositoryName
from orlop.faces.ui.exchange import UiExchange
from orlop.services.desks import Desks
from orlop.services.management.operations import Operation

_OF_REPOSITORY = (("", "Tags"),)
_OF_NAMESPACE = (("", "Repositories"),)
#: For whoever is signed in: their services tell nobody else.
_FURTHER = (
    ("history", "History"),
    ("vulnerabilities", "Vulnerabilities"),
    ("gates", "Gates"),
    ("quarantine", "Quarantine"),
    ("promotion", "Promotion"),
    ("rules", "Rules"),
    ("people", "People"),
    ("usage", "Usage"),
)


class PlaceFrame(msgspec.Struct, frozen=True):
    """A place as its pages begin. `tabs`: names in addresses, and words."""

    name: str
    is_repository: bool
    tabs: tuple[tuple[str, str], ...]
    description: str = ""
    visibility: Visibility | None = None
    may_end: bool = False
    """Whether the reader may change what a namespace is, or remove a repository as a whole."""

    @property
    def words(self) -> str:
        """As it is typed: a namespace ends with a slash."""
        return self.name if self.is_repository else f"{self.name}/"


class PlaceFrames:
    """Finds out what a name is the name of. `tabs`: those that there are."""

    def __init__(self, desks: Desks, tabs: frozenset[str]) -> None:
        self._browsing = desks.browsing
        self._boards = desks.promotion_boards
        self._gate = desks.management.gate
        self._tabs = tabs

    async def of(self, exchange: UiExchange, name: str) -> PlaceFrame:
        """A repository, else a namespace. Raises NotFound for what the reader may not know of; Unauthorized where
        signing in might help."""
        refused: NameUnknown | Denied | Unauthorized
        try:
            repository = RepositoryName(name)
            await self._browsing.tags.check(exchange.caller, repository)
        except (NameUnknown, Denied, Unauthorized) as refusal:
            refused = refusal
        else:
            may = await self._may(exchange, Operation.REPOSITORY_REMOVE, repository=name)
            return PlaceFrame(name, True, await self._shown(exchange, _OF_REPOSITORY, name), may_end=may)
        try:
            node = await self._browsing.children.node(exchange.caller, name)
        except NotFound as missing:
            if exchange.visitor is None:
                raise refused from missing
            raise NotFound(f"there is nothing called {name} here, or not for you to see", {"name": name}) from missing
        tabs = await self._shown(exchange, _OF_NAMESPACE, name)
        may = await self._may(exchange, Operation.NAMESPACE_CHANGE, namespace=name)
        return PlaceFrame(name, False, tabs, node.description, node.visibility, may_end=may)

    async def _may(
        self, exchange: UiExchange, operation: Operation, *, namespace: str | None = None, repository: str | None = None
    ) -> bool:
        if exchange.visitor is None:
            return False
        return await self._gate.may(exchange.caller, operation, namespace=namespace, repository=repository)

    async def _shown(
        self, exchange: UiExchange, first: tuple[tuple[str, str], ...], name: str
    ) -> tuple[tuple[str, str], ...]:
        further = _FURTHER if exchange.visitor is not None else ()
        shown = self._tabs if first is _OF_REPOSITORY else self._tabs - {"history"}
        if further and not await self._is_passed(exchange, name):
            shown -= {"promotion"}
        return tuple(tab for tab in (*first, *further) if tab[0] in shown)

    async def _is_passed(self, exchange: UiExchange, name: str) -> bool:
        """Whether a pipeline that the reader sees leads through a place."""
        with suppress(Unavailable):  # one that a newer release wrote keeps nobody from the pages of the place
            return bool(await self._boards.along(exchange.caller, name))
        return False
