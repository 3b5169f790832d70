"""What is known to be wrong with an image: the worst first, with what mends it and which layer brought it."""

from collections.abc import Sequence
from urllib.parse import urlencode

from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.severity import SEVERITIES
from orlop.domain.names import Reference, RepositoryName, parse_held
from orlop.domain.settings import place_words
from orlop.faces.ui.addresses import finding_address, image_address, settings_address
from orlop.faces.ui.exchange import Reply, UiExchange, redirect
from orlop.faces.ui.inside.chosen import chosen_platform
from orlop.faces.ui.inside.packages import layers_of
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.services.advisories.questions import Vulnerabilities, Vulnerability, VulnerabilityReport
from orlop.services.management.operations import Gate, Operation
from orlop.services.scanning.questions import ScannerReports

#: Rows of a page.
ROWS = 50


class VulnerabilitiesTab:
    """See places.ImageTab."""

    def __init__(self, pages: Pages, vulnerabilities: Vulnerabilities, scans: ScannerReports, gate: Gate) -> None:
        self._pages = pages
        self._vulnerabilities = vulnerabilities
        self._scans = scans
        self._gate = gate

    async def show(self, exchange: UiExchange, repository: RepositoryName, reference: Reference) -> Reply:
        """What is found, also what is accepted, with why; in the words of another scanner, where one is chosen."""
        query = exchange.query
        least = query.get("severity", "")
        try:
            report = await self._report(exchange, repository, reference, least if least in SEVERITIES else "unknown")
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
            scans=await self._scans.beside(report.image) if query.get("part") != "rows" else (),
            scanner=query.get("scanner", ""),
            may_scan=await self._may_scan(exchange, repository),
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

    async def _report(
        self, exchange: UiExchange, repository: RepositoryName, reference: Reference, least: str
    ) -> VulnerabilityReport:
        caller, platform = exchange.caller, exchange.query.get("platform", "")
        scanner, fixable = exchange.query.get("scanner", ""), exchange.query.get("fixable") == "yes"
        if scanner:
            _, said = await self._scans.findings(
                caller, repository, reference, platform, scanner, least=least, fixable=fixable
            )
            return said
        return await self._vulnerabilities.of(caller, repository, reference, platform, least=least, fixable=fixable)

    async def _may_scan(self, exchange: UiExchange, repository: RepositoryName) -> bool:
        if exchange.visitor is None:
            return False
        return await self._gate.may(exchange.caller, Operation.IMAGE_SCAN, repository=repository)


class ScanPages:
    """Has scanners judge an image anew, for whoever may push it."""

    def __init__(self, scans: ScannerReports) -> None:
        self._scans = scans

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (Route("POST", "/scans", self.ask),)

    async def ask(self, exchange: UiExchange) -> Reply:
        """What was said before stands meanwhile."""
        repository, reference = parse_held(exchange.field("image"))
        platform, scanner = exchange.field("platform"), exchange.field("scanner")
        await self._scans.ask(exchange.caller, repository, reference, platform, scanner)
        said = urlencode({key: value for key, value in (("platform", platform), ("scanner", scanner)) if value})
        return redirect(image_address(repository, str(reference), "vulnerabilities") + (f"?{said}" if said else ""))


def key_of(found: Vulnerability) -> str:
    """What tells one row of an image from all others."""
    return f"{found.id} {found.layer} {found.purl}"


def _after(found: Sequence[Vulnerability], last: str) -> Sequence[Vulnerability]:
    """What comes after the row of that key; everything, where there is none any more."""
    place = next((number for number, one in enumerate(found, 1) if key_of(one) == last), 0) if last else 0
    return found[place:]
