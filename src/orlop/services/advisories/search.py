"""Which images a vulnerability hits, for whoever may read what was found in them."""

from collections.abc import Mapping, Sequence

import msgspec

from orlop.domain.access import Caller
from orlop.domain.digest import Digest
from orlop.domain.inside.rows import POSSIBLE
from orlop.domain.inside.severity import SEVERITIES
from orlop.domain.inside.vex.saying import VexWord
from orlop.domain.names import RepositoryName
from orlop.domain.pages import PageRequest
from orlop.ports.advisories import Advisories, AdvisorySources, AdvisoryStore, Vulnerable
from orlop.ports.holding import AskedPackage, HoldingPlace, PackageFinding, PackageHolders, PlaceNames
from orlop.services.advisories.accepting import Acceptance, Accepted, JudgedImage, Judgement
from orlop.services.inside.holders import ImageHolders, SoughtPackages

#: Advisories that may have one name, and packages that they may hit.
_ADVISORIES, _PACKAGES = 1_000, 50_000


class HitPackage(msgspec.Struct, frozen=True, kw_only=True):
    """A package that the vulnerability hits. `ids`: the advisories that say so; `possible`: why it is only possible,
    empty where it is certain; `accepted`: the exception that holds for it there; `said`: what VEX documents that count
    say of it there."""

    purl: str
    type: str
    version: str
    fixed: tuple[str, ...]
    severity: str
    source: str
    ids: tuple[str, ...]
    possible: str = ""
    accepted: Accepted | None = None
    said: VexWord | None = None


class HitImage(msgspec.Struct, frozen=True):
    """An image that the vulnerability hits."""

    place: HoldingPlace
    names: PlaceNames
    packages: tuple[HitPackage, ...]


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

    def __init__(self, holders: ImageHolders, store: AdvisoryStore, acceptance: Acceptance) -> None:
        self._holders = holders
        self._advisories: Advisories = store.advisories
        self._sources: AdvisorySources = store.sources
        self._vulnerable: Vulnerable = store.vulnerable
        self._holding: PackageHolders = store.holding
        self._acceptance = acceptance

    async def find(self, caller: Caller, name: str, at: str, page: PageRequest) -> VulnerabilityFound:
        """Images at a place that a vulnerability hits, by any of its names. Raises Unauthorized, RequestInvalid,
        PageInvalid."""
        meant = await self._meant(name.strip())
        if not meant:
            counts = await self._advisories.counts()
            known = tuple(source.name for source in await self._sources.all() if source.imported_at)
            # The page is asked for all the same: whoever may not sign in learns nothing.
            await self._holders.page(caller, SoughtPackages(self._holding, ()), at, page)
            return VulnerabilityFound(advisories=(), all_advisories=counts.advisories, sources=known)
        packages = await self._vulnerable.packages_hit(list(meant), _PACKAGES)
        listed = await self._holders.page(caller, SoughtPackages(self._holding, packages), at, page)
        names = tuple(sorted(set(meant.values())))
        if not listed.places:
            return VulnerabilityFound(advisories=names, goes_on=listed.goes_on)
        held = await self._holding.held([place.digest for place in listed.places], packages)
        wanted = sorted({number for numbers in held.values() for number in numbers})
        of = {one.id: one for one in await self._holding.numbered(wanted)}
        hits = _by_package(of, await self._holding.findings(wanted, list(meant)))
        called = await self._holding.names(listed.places)
        aliases = frozenset((*names, *await self._aliases(list(meant)), name))
        judging = {place: _judged_as(place, called[place]) for place in listed.places}
        by_repository: dict[RepositoryName, set[Digest]] = {}
        for image in judging.values():
            by_repository.setdefault(image.repository, set()).update(image.digests)
        referred = {name: await self._acceptance.referred(name, mine) for name, mine in by_repository.items()}
        images = []
        for place in listed.places:
            found = [hits[number] for number in held.get(str(place.digest), ()) if number in hits]
            judgement = await self._acceptance.of(judging[place], referred[place.repository])
            images.append(HitImage(place, called[place], _judged(found, judgement, aliases)))
        return VulnerabilityFound(advisories=names, images=tuple(images), goes_on=listed.goes_on)

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


def _judged_as(place: HoldingPlace, called: PlaceNames) -> JudgedImage:
    digests = (place.digest,) if called.index is None else (place.digest, called.index)
    return JudgedImage(repository=place.repository, digests=digests, tags=frozenset(called.tags))


def _judged(found: Sequence[HitPackage], judgement: Judgement, ids: frozenset[str]) -> tuple[HitPackage, ...]:
    """The same, with what clears them there; nothing is left out."""
    return tuple(
        msgspec.structs.replace(
            one,
            accepted=judgement.accepted(ids | set(one.ids), one.purl),
            said=judgement.said(sorted(ids | set(one.ids)), one.purl),
        )
        for one in found
    )


def _by_package(of: Mapping[int, AskedPackage], rows: Sequence[PackageFinding]) -> dict[int, HitPackage]:
    """One for each package, whatever advisories say of it: what is certain before what is possible, then the worst."""
    grouped: dict[int, list[PackageFinding]] = {}
    for row in rows:
        grouped.setdefault(row.package, []).append(row)
    found: dict[int, HitPackage] = {}
    for number, mine in grouped.items():
        first = min(mine, key=lambda one: (one.how.startswith(POSSIBLE), SEVERITIES.index(one.severity), one.advisory))
        fixed = dict.fromkeys(version for one in mine for version in one.fixed.split(", ") if version)
        package = of.get(number)
        if package is None:
            continue
        found[number] = HitPackage(
            purl=package.purl,
            type=package.type,
            version=package.version,
            fixed=tuple(fixed),
            severity=first.severity,
            source=first.source,
            ids=tuple(one.advisory for one in mine),
            possible=first.how.removeprefix(POSSIBLE) if first.how.startswith(POSSIBLE) else "",
        )
    return found
