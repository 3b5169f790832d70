"""Labels of a repository, or of an image in it: what they are, and the forms that set and remove one."""

from urllib.parse import urlencode

from orlop.domain.errors import RegistryError
from orlop.domain.labels import LabelChange, version_of
from orlop.domain.names import Reference, RepositoryName, parse_reference
from orlop.faces.ui.account import number
from orlop.faces.ui.exchange import Reply, UiExchange, redirect
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.services.desks import Desks
from orlop.services.management.operations import Operation


class LabelPages:
    """Whoever may pull sees them. Those of an image are for who may push to change, those of a repository for who edits
    its rules."""

    def __init__(self, pages: Pages, desks: Desks) -> None:
        self._pages = pages
        self._labels = desks.labels
        self._gate = desks.management.gate

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (Route("GET", "/labels", self.show), Route("POST", "/labels", self.change))

    async def show(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """By key."""
        repository, reference = _meant(exchange)
        digest, labels = await self._labels.of(exchange.caller, repository, reference)
        operation = Operation.REPOSITORY_LABEL_CHANGE if reference is None else Operation.LABEL_CHANGE
        return self._pages.page(
            exchange,
            "browse/labels",
            refusal=refusal,
            repository=repository,
            reference=str(reference or ""),
            digest=digest,
            labels=dict(sorted(labels.items())),
            version=version_of(labels) if labels else 0,
            may_change=await self._gate.may(exchange.caller, operation, repository=repository),
            sent=exchange.form,
        )

    async def change(self, exchange: UiExchange) -> Reply:
        """Set one, or remove one, of the labels that were shown."""
        repository, reference = _meant(exchange)
        try:
            key, gone = exchange.field("key").strip(), exchange.field("remove")
            sets = {} if gone else {key: exchange.field("value").strip()}
            version = number(exchange.field("version"))
            change = LabelChange(sets=sets, removes=(gone,) if gone else (), expected=version)
            await self._labels.change(exchange.caller, repository, reference, change)
        except RegistryError as refusal:
            return await self.show(exchange, refusal)
        query = {"repository": str(repository)} | ({"reference": str(reference)} if reference else {})
        return redirect(f"/labels?{urlencode(query)}")


def _meant(exchange: UiExchange) -> tuple[RepositoryName, Reference | None]:
    """Raises NameInvalid, and what a reference that is none raises."""
    sent = exchange.form or exchange.query
    reference = sent.get("reference", "").strip()
    return RepositoryName(sent.get("repository", "").strip()), parse_reference(reference) if reference else None
