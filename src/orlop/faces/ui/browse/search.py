"""Searches over everything that the reader may see: names, and what is inside images."""

import re
from itertools import groupby
from urllib.parse import urlencode

from orlop.domain.errors import RequestInvalid
from orlop.domain.pages import PageRequest
from orlop.domain.search import LINE_MOST, HitKind
from orlop.domain.settings import place_words
from orlop.faces.ui.addresses import finding_address, image_address, settings_address
from orlop.faces.ui.exchange import Reply, UiExchange
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.services.browse.search import SearchFound
from orlop.services.desks import Desks
from orlop.services.inside.search import PackagesFound
from orlop.services.licences.search import LicensedFound

#: Hits of each kind on the first page, and of one kind on the next.
_FIRST, _MORE = 10, 50
#: Ids that nothing else looks like.
_VULNERABILITY = re.compile(r"(?:CVE-[0-9]{4}-[0-9]{4,19}|GHSA(?:-[0-9a-z]{4}){3})", re.ASCII | re.IGNORECASE)


class SearchPage:
    """See services.browse.search."""

    def __init__(self, pages: Pages, desks: Desks) -> None:
        self._pages = pages
        self._search = desks.browsing.search
        self._packages = desks.packages
        self._hits = desks.hits
        self._licences = desks.licence_search

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (Route("GET", "/search", self.show, open=True),)

    async def show(self, exchange: UiExchange) -> Reply:
        """The hits by kinds; of one kind, page by page, where `kind` names it."""
        line, chosen = exchange.query.get("q", "").strip(), exchange.query.get("kind", "")
        asked_for = inside_of(line)
        if asked_for is not None and not chosen:
            return await self._inside(exchange, line, *asked_for)
        kind = HitKind(chosen) if chosen in set(HitKind) else None
        found, refusal = SearchFound((), {}), None
        if line:
            try:
                if len(line) > LINE_MOST:
                    raise RequestInvalid(f"a search has at most {LINE_MOST} characters")
                asked = PageRequest(_MORE if kind else _FIRST, exchange.query.get("last", ""))
                found = await self._search.find(exchange.caller, line, kind, asked)
            except RequestInvalid as invalid:
                refusal = invalid
        return self._pages.page(
            exchange,
            "browse/search",
            refusal=refusal,
            line=line,
            groups=[(each.value, list(hits)) for each, hits in groupby(found.hits, lambda hit: hit.kind)],
            more={
                each.value: f"/search?{urlencode({'q': line, 'kind': each.value, 'last': last})}"
                for each, last in found.more.items()
            },
        )

    async def _inside(self, exchange: UiExchange, line: str, what: str, text: str) -> Reply:
        """Images that hold a package, or one under a licence, or that a vulnerability hits."""
        asked = PageRequest(_MORE, exchange.query.get("last", ""))
        packages: PackagesFound | LicensedFound | None = None
        hits, refusal = None, None
        try:
            if len(line) > LINE_MOST:
                raise RequestInvalid(f"a search has at most {LINE_MOST} characters")
            if what == "package":
                packages = await self._packages.find(exchange.caller, text, "", asked)
            elif what == "licence":
                packages = await self._licences.find(exchange.caller, text, "", asked)
            else:
                hits = await self._hits.find(exchange.caller, text, "", asked)
        except RequestInvalid as invalid:
            refusal = invalid
        last = packages.goes_on if packages is not None else hits.goes_on if hits is not None else ""
        return self._pages.page(
            exchange,
            "inside/search",
            parts=("rows",),
            refusal=refusal,
            line=line,
            what=what,
            text=text,
            packages=packages,
            hits=hits,
            more=f"?{urlencode({'q': line, 'last': last})}" if last else "",
            address=image_address,
            finding_address=finding_address,
            settings_address=settings_address,
            place_words=place_words,
        )


def inside_of(line: str) -> tuple[str, str] | None:
    """`package`, `licence` or `cve`, and what of it, where a line asks for what is inside images:
    `pkg:npm/lodash@<4.17.21`, `package:lodash`, `licence:GPL-3.0*`, `CVE-2021-44228`, `cve:DSA-5022-1`."""
    key, colon, rest = line.partition(":")
    if key.lower() == "pkg" and rest:
        return "package", line
    if colon and rest.strip() and key.lower() in {"package", "licence", "cve"}:
        return key.lower(), rest.strip()
    return ("cve", line) if _VULNERABILITY.fullmatch(line) else None
