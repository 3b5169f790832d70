"""Which images a vulnerability hits, for whoever may read what was found in them."""

from collections.abc import Mapping, Sequence

import msgspec

from orlop.domain.access import Caller
from orlop.domain.pages import PageRequest
from orlop.ports.advisories import Advisories, AdvisorySources, AdvisoryStore, Vulnerable
from orlop.ports.hits import HitBy
from orlop.services.advisories.hits import HitImage, HitPages, OneVulnerability

#: Advisories that may have one name.
_ADVISORIES = 1_000


class VulnerabilityFound(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a vulnerability, and images that it hits, by repository and digest.

    `advisories`: what is known by this name or means the same, empty: nothing is, which says nothing about images;
    `all_advisories` and `sources`: how many there are, from where. `goes_on`: where the next page begins, empty:
    nowhere; a page may end early where much was looked at.
    """

    advisories: tuple[str, ...]
    images: tuple[HitImage, ...] = ()
    goes_on: str = ""
    all_advisories: int = 0
    sources: tuple[str, ...] = ()


class VulnerabilitySearch:
    """See the module."""

    def __init__(self, pages: HitPages, store: AdvisoryStore) -> None:
        self._pages = pages
        self._advisories: Advisories = store.advisories
        self._sources: AdvisorySources = store.sources
        self._vulnerable: Vulnerable = store.vulnerable

    async def find(self, caller: Caller, name: str, at: str, page: PageRequest) -> VulnerabilityFound:
        """Images at a place that a vulnerability hits, by any of its names. Raises Unauthorized, RequestInvalid,
        PageInvalid."""
        meant = await self._meant(name.strip())
        if not meant:
            counts = await self._advisories.counts()
            known = tuple(source.name for source in await self._sources.all() if source.imported_at)
            # The page is asked for all the same: whoever may not sign in learns nothing.
            await self._pages.places(caller, HitBy(), at, page)
            return VulnerabilityFound(advisories=(), all_advisories=counts.advisories, sources=known)
        names = tuple(sorted(set(meant.values())))
        asked = name.strip()
        every = frozenset((*names, *await self._aliases(list(meant)), asked))
        one = OneVulnerability(every, asked)
        found = await self._pages.page(caller, HitBy(advisories=tuple(meant)), at, page, one)
        return VulnerabilityFound(advisories=names, images=found.images, goes_on=found.goes_on)

    async def _meant(self, name: str) -> Mapping[int, str]:
        """Advisories of this name, and those that share the one CVE that it means."""
        if not name:
            return {}
        names = {name, name.upper()} if name[:4].lower() == "cve-" else {name}
        found = await self._vulnerable.meaning(sorted(names), _ADVISORIES)
        cves = {one for one in await self._aliases(list(found)) if one.startswith("CVE-")} - names
        # An advisory of a distribution mends several at once: then it means them all, and none of them means it alone.
        if found and len(cves) == 1 and not any(one.upper().startswith("CVE-") for one in names):
            found = {**await self._vulnerable.meaning(sorted(cves), _ADVISORIES), **found}
        return found

    async def _aliases(self, advisories: Sequence[int]) -> list[str]:
        return [one for names in (await self._vulnerable.aliases(advisories)).values() for one in names]
