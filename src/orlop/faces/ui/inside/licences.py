"""Under which licences the packages of an image are, and what rules find wrong with that."""

from collections.abc import Sequence
from urllib.parse import urlencode

import msgspec

from orlop.domain.errors import Conflict, RequestInvalid
from orlop.domain.names import Reference, RepositoryName
from orlop.domain.settings import place_words
from orlop.faces.ui.addresses import image_address, settings_address
from orlop.faces.ui.exchange import Reply, UiExchange, number_of
from orlop.faces.ui.inside.chosen import chosen_platform
from orlop.faces.ui.pages import Pages
from orlop.services.licences.questions import ImageLicences, LicenceReport, LicensedPackage

#: Rows of a page, and what stands in an address for packages that declare nothing.
ROWS, NONE = 50, "-"


class LicenceRow(msgspec.Struct, frozen=True):
    """A package under a licence."""

    licence: str
    package: LicensedPackage


class LicencesTab:
    """See places.ImageTab."""

    def __init__(self, pages: Pages, licences: ImageLicences) -> None:
        self._pages = pages
        self._licences = licences

    async def show(self, exchange: UiExchange, repository: RepositoryName, reference: Reference) -> Reply:
        """The licences as filters, and the packages under those that are chosen: what rules find wrong first."""
        query = exchange.query
        report, refusal = None, None
        try:
            report = await self._licences.of(exchange.caller, repository, reference, query.get("platform", ""))
        except RequestInvalid as invalid:
            return chosen_platform(exchange, repository, reference, "licences", invalid)
        except Conflict as unread:
            refusal = unread
        licence, wrong = query.get("licence", ""), query.get("wrong") == "yes"
        rows = _rows(report, licence, wrong=wrong) if report is not None else []
        begin = number_of(query.get("last", "")) or 0
        end = begin + ROWS
        kept = {name: value for name, value in query.items() if name not in {"part", "last"}}
        return self._pages.page(
            exchange,
            "inside/licences",
            parts=("rows", "said"),
            refusal=refusal,
            repository=repository,
            reference=reference,
            report=report,
            licence=licence,
            wrong=wrong,
            none=NONE,
            fitting=len(rows),
            rows=rows[begin:end],
            more=f"?{urlencode(kept | {'last': end})}" if len(rows) > end else "",
            address=image_address,
            settings_address=settings_address,
            place_words=place_words,
        )


def _rows(report: LicenceReport, licence: str, *, wrong: bool) -> Sequence[LicenceRow]:
    rows = [
        LicenceRow(use.licence, package)
        for use in report.licences
        if not licence or (use.licence or NONE) == licence
        for package in use.packages
        if package.finding is not None or not wrong
    ]
    return sorted(rows, key=_rank)


def _rank(row: LicenceRow) -> int:
    """What nobody accepts comes first, then what somebody does; else the order stays as it is."""
    finding = row.package.finding
    return 2 if finding is None else int(finding.accepted is not None)
