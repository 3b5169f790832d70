"""The page of advisories: where they come from, how old they are, what failed, and the button that fetches them now."""

from orlop.domain.errors import RegistryError
from orlop.domain.inside.sources import ADVISORY_SOURCES
from orlop.domain.job_kinds import ADVISORY_UPDATE
from orlop.faces.ui.addresses import settings_address
from orlop.faces.ui.exchange import Reply, UiExchange, redirect
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.services.desks import Desks


class AdvisoryPages:
    """For whoever sees how imports went; whoever may run jobs has sources fetched."""

    def __init__(self, pages: Pages, desks: Desks) -> None:
        self._pages = pages
        self._advisories = desks.advisories
        self._jobs = desks.jobs

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (Route("GET", "/advisories", self.show), Route("POST", "/advisories/update", self.update))

    async def show(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """Every source, by name."""
        status = await self._advisories.status(exchange.caller)
        return self._pages.page(
            exchange,
            "inside/sources",
            refusal=refusal,
            sources=status.sources,
            counts=status.counts,
            fetched=[each.source.name for each in status.sources if each.feed is not None],
            may_run=await self._jobs.may_run(exchange.caller),
            plural=ADVISORY_SOURCES.plural,
            settings_address=settings_address,
        )

    async def update(self, exchange: UiExchange) -> Reply:
        """Fetch one source now, or all of them; the page of the job tells how that goes."""
        name = exchange.field("source").strip()
        wanted = {"sources": [name]} if name else {"all": True}
        try:
            made = await self._jobs.run(exchange.caller, ADVISORY_UPDATE.kind, wanted)
        except RegistryError as refusal:
            return await self.show(exchange, refusal)
        return redirect(f"/jobs/{made.id}")
