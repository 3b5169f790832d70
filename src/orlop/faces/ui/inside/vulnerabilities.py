"""What is known to be wrong with an image: the worst first, with what mends it and which layer brought it."""

from collections.abc import Sequence
from urllib.parse import urlencode

from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.severity import SEVERITIES
from orlop.domain.names import Reference, RepositoryName
from orlop.domain.settings import place_words
from orlop.faces.ui.addresses import finding_address, image_address, settings_address
from orlop.faces.ui.exchange import Reply, UiExchange
from orlop.faces.ui.inside.chosen import chosen_platform
from orlop.faces.ui.inside.packages import layers_of
from orlop.faces.ui.pages import Pages
from orlop.services.advisories.questions import Vulnerabilities, Vulnerability

#: Rows of a page.
ROWS = 50


class VulnerabilitiesTab:
    """See places.ImageTab."""

    def __init__(self, pages: Pages, vulnerabilities: Vulnerabilities) -> None:
        self._pages = pages
        self._vulnerabilities = vulnerabilities

    async def show(self, exchange: UiExchange, repository: RepositoryName, reference: Reference) -> Reply:
        """What is found, also what is accepted, with why."""
        query = exchange.query
        least = query.get("severity", "")
        try:
            report = await self._vulnerabilities.of(
                exchange.caller,
                repository,
                reference,
                query.get("platform", ""),
                least=least if least in SEVERITIES else "unknown",
                fixable=query.get("fixable") == "yes",
            )
        except RequestInvalid as refusal:
            return chosen_platform(exchange, repository, reference, "vulnerabilities", refusal)
        rest = _after(report.found, query.get("last", ""))
        shown = rest[:ROWS]
        kept = {name: value for name, value in query.items() if name not in {"part", "last"}}
        layers = layers_of(report.image)
        inspection = report.image.inspection
        return self._pages.page(
            exchange,
            "inside/vulnerabilities",
            parts=("rows",),
            repository=repository,
            reference=reference,
            report=report,
            found=report.image,
            inside=report.image.inside,
            base_image=inspection.base if inspection is not None else None,
            layers=layers,
            least=least if least in SEVERITIES else "",
            fixable=query.get("fixable") == "yes",
            severities=SEVERITIES,
            shown=shown,
            more=f"?{urlencode(kept | {'last': key_of(shown[-1])})}" if len(rest) > ROWS else "",
            address=image_address,
            finding_address=finding_address,
            settings_address=settings_address,
            place_words=place_words,
        )


def key_of(found: Vulnerability) -> str:
    """What tells one row of an image from all others."""
    return f"{found.id} {found.layer} {found.purl}"


def _after(found: Sequence[Vulnerability], last: str) -> Sequence[Vulnerability]:
    """What comes after the row of that key; everything, where there is none any more."""
    place = next((number for number, one in enumerate(found, 1) if key_of(one) == last), 0) if last else 0
    return found[place:]
