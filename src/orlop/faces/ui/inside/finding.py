"""The page of a vulnerability: what it is, which images it hits, and the form that accepts it."""

from typing import Any

from markupsafe import Markup

from orlop.domain.access import Action
from orlop.domain.errors import NotFound, RegistryError
from orlop.domain.inside.exceptions import EXCEPTIONS
from orlop.domain.pages import PageRequest
from orlop.domain.settings import place_words
from orlop.faces.ui.addresses import finding_address, image_address, settings_address
from orlop.faces.ui.exchange import Reply, UiExchange, redirect
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.services.advisories.about import KnownVulnerability
from orlop.services.advisories.search import VulnerabilityFound
from orlop.services.desks import Desks

#: Images of a page.
ROWS = 50


class FindingPage:
    """For whoever is signed in; images are those that they may see."""

    def __init__(self, pages: Pages, desks: Desks) -> None:
        self._pages = pages
        self._known = desks.known
        self._hits = desks.hits
        self._gate = desks.management.gate
        self._settings = desks.management.settings

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (
            Route("GET", "/vulnerabilities/{name}", self.show),
            Route("POST", "/vulnerabilities/{name}", self.accept),
        )

    async def show(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """What is known. Raises NotFound where no advisory is known by that name, for nothing is known of images
        then."""
        name, caller = exchange.params["name"], exchange.caller
        hits = await self._hits.find(caller, name, "", PageRequest(ROWS, exchange.query.get("last", "")))
        known = await self._about(exchange, name, hits)
        return self._pages.page(
            exchange,
            "inside/finding",
            parts=("rows",),
            refusal=refusal,
            name=name,
            known=known,
            html=Markup(known.html),  # noqa: S704 - see ports.archives
            hits=hits,
            places=await self._places(exchange, hits),
            sent=exchange.form,
            more=f"?last={hits.goes_on}" if hits.goes_on else "",
            address=image_address,
            settings_address=settings_address,
            place_words=place_words,
        )

    async def accept(self, exchange: UiExchange) -> Reply:
        """Make the exception that the form says."""
        name, place = exchange.params["name"], exchange.field("path").strip().strip("/")
        body: dict[str, Any] = {
            "cves": [name],
            "until": exchange.field("until").strip(),
            "reason": exchange.field("reason").strip(),
        }
        for field in ("packages", "images"):
            words = exchange.field(field).split()
            if words:
                body[field] = words
        called = exchange.field("name").strip() or name.lower()
        try:
            await self._settings.put(exchange.caller, EXCEPTIONS.kind, called, body, 0, place)
        except RegistryError as refusal:
            return await self.show(exchange, refusal)
        return redirect(finding_address(name))

    async def _about(self, exchange: UiExchange, name: str, hits: VulnerabilityFound) -> KnownVulnerability:
        try:
            return await self._known.of(exchange.caller, name)
        except NotFound as unknown:
            there = f"{hits.all_advisories:,} advisories are known, and none by this name"
            raise NotFound(f"{there}, which says nothing about images", unknown.detail) from unknown

    async def _places(self, exchange: UiExchange, hits: VulnerabilityFound) -> list[str]:
        """Places where the reader may accept it, the first that it hits; the registry is one without a name."""
        seeing = await self._gate.administers(exchange.caller)
        hit = dict.fromkeys(str(one.place.repository) for one in hits.images)
        found = [place for place in hit if seeing.setting(Action.POLICY_EDIT, place)]
        return [*found, ""] if seeing.setting(Action.POLICY_EDIT, "") else found
