"""Makes namespaces, says who may pull from them without a grant, and removes empty ones and whole repositories."""

from orlop.domain.access import Visibility
from orlop.domain.counts import counted
from orlop.domain.errors import NotFound, RegistryError, RequestInvalid
from orlop.domain.names import RepositoryName
from orlop.faces.ui.addresses import place_address
from orlop.faces.ui.exchange import Reply, UiExchange, redirect
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.ports.identity import Namespace
from orlop.services.desks import Desks


class NamespacePages:
    """For whoever administers the place."""

    def __init__(self, pages: Pages, desks: Desks) -> None:
        self._pages = pages
        self._namespaces = desks.management.namespaces
        self._holdings = desks.holdings

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (
            Route("GET", "/namespaces", self.ask),
            Route("POST", "/namespaces", self.put),
            Route("GET", "/namespaces/remove", self.ask_removal),
            Route("POST", "/namespaces/remove", self.remove),
            Route("GET", "/repositories/remove", self.ask_end),
            Route("POST", "/repositories/remove", self.end),
        )

    async def ask(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """The form: of the namespace that `path` names, or of a new one."""
        path = (exchange.form or exchange.query).get("path", "").strip("/")
        there = await self._there(exchange, path)
        return self._pages.page(
            exchange, "browse/namespace_form", refusal=refusal, path=path, there=there, sent=exchange.form
        )

    async def put(self, exchange: UiExchange) -> Reply:
        """Make it, or change what was shown."""
        path, said = exchange.field("path").strip().strip("/"), exchange.field("visibility")
        try:
            if not path:
                raise RequestInvalid("a namespace has a name, such as team or team/backend")
            if said and said not in set(Visibility):
                raise RequestInvalid(f"a namespace is one of {', '.join(Visibility)}, or as the one above it")
            visibility = Visibility(said) if said else None
            wanted = Namespace(path=path, visibility=visibility, description=exchange.field("description").strip())
            await self._namespaces.put(exchange.caller, wanted, _version(exchange))
        except RegistryError as refusal:
            return await self.ask(exchange, refusal)
        return redirect(place_address(path))

    async def ask_removal(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """What would go."""
        path = (exchange.form or exchange.query).get("path", "").strip("/")
        there = await self._namespaces.get(exchange.caller, path)
        return self._pages.page(
            exchange,
            "browse/remove",
            refusal=refusal,
            what=f"the namespace {path}",
            name=path,
            action="/namespaces/remove",
            kept={"path": path, "version": str(there.version)},
            consequence="The grants and rules that stand on it go with it. Nothing may lie below it.",
            command=("orlop namespace rm", f"DELETE /api/v1/namespaces/{path}"),
        )

    async def remove(self, exchange: UiExchange) -> Reply:
        """Remove the namespace that was shown."""
        try:
            await self._namespaces.remove(exchange.caller, exchange.field("path"), _version(exchange))
        except RegistryError as refusal:
            return await self.ask_removal(exchange, refusal)
        return redirect("/")

    async def ask_end(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """What a repository holds that would go."""
        name = RepositoryName((exchange.form or exchange.query).get("name", ""))
        holding = await self._holdings.of(exchange.caller, name)
        return self._pages.page(
            exchange,
            "browse/remove",
            refusal=refusal,
            what=f"the repository {name}",
            name=name,
            action="/repositories/remove",
            kept={"name": name},
            consequence=f"All of it goes: {counted(holding.tags, 'tag')} on {counted(holding.manifests, 'manifest')}. "
            "It lies in the trash for as long as the rules of the place say.",
            command=("orlop repo rm", f"DELETE /api/v1/repositories/{name}"),
        )

    async def end(self, exchange: UiExchange) -> Reply:
        """Remove the repository."""
        name = RepositoryName(exchange.field("name"))
        try:
            await self._namespaces.remove_repository(exchange.caller, name)
        except RegistryError as refusal:
            return await self.ask_end(exchange, refusal)
        return redirect(f"/trash?place={name}")

    async def _there(self, exchange: UiExchange, path: str) -> Namespace | None:
        """The namespace, where there is one that the reader administers."""
        try:
            return await self._namespaces.get(exchange.caller, path) if path else None
        except NotFound:
            return None


def _version(exchange: UiExchange) -> int:
    """Of what was shown; 0 where nothing was there. Raises RequestInvalid."""
    text = exchange.field("version")
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise RequestInvalid("that is not a version")
    return int(text)
