"""Deletes tags that were chosen on the page of a repository: shows what will go, and does exactly that."""

from orlop.domain.digest import Digest
from orlop.domain.errors import RegistryError, RequestInvalid
from orlop.domain.names import RepositoryName, Tag
from orlop.faces.ui.exchange import Reply, UiExchange
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.services.desks import Desks

#: What stands before the name of a tag in the name of its field; the field holds the digest that was shown.
_FIELD = "tag."


class RemovalPages:
    """See services.tags.removal."""

    def __init__(self, pages: Pages, desks: Desks) -> None:
        self._pages = pages
        self._removal = desks.removal
        self._told = desks.management.house_rules

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (Route("POST", "/tags/plan", self.plan), Route("POST", "/tags/delete", self.delete))

    async def plan(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """What was chosen, and what becomes of it."""
        repository, chosen = _chosen(exchange)
        rules = await self._told.show(exchange.caller, repository=repository)
        return self._pages.page(
            exchange,
            "browse/removal",
            refusal=refusal or (None if chosen else RequestInvalid("no tag was chosen")),
            repository=repository,
            chosen=chosen,
            trash=rules.trash,
        )

    async def delete(self, exchange: UiExchange) -> Reply:
        """Remove those that still point at what was shown, and say of each what became of it."""
        repository, chosen = _chosen(exchange)
        try:
            done = await self._removal.remove(exchange.caller, repository, chosen)
        except RegistryError as refusal:
            return await self.plan(exchange, refusal)
        return self._pages.page(exchange, "browse/removed", repository=repository, done=done)


def _chosen(exchange: UiExchange) -> tuple[RepositoryName, dict[Tag, Digest]]:
    """Raises NameInvalid, TagInvalid, DigestInvalid."""
    fields = {name: value for name, value in exchange.form.items() if name.startswith(_FIELD)}
    chosen = {Tag(name.removeprefix(_FIELD)): Digest(value) for name, value in fields.items()}
    return RepositoryName(exchange.field("repository")), chosen
