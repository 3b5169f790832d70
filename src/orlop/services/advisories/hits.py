"""Pages of images that findings are about, for whoever may read what was found in them, with what clears it there."""

from collections.abc import Mapping, Sequence

import msgspec

from orlop.domain.access import Caller
from orlop.domain.digest import Digest
from orlop.domain.inside.rows import POSSIBLE
from orlop.domain.inside.severity import SEVERITIES, SaidSeverity, raised
from orlop.domain.inside.vex.saying import VexWord
from orlop.domain.names import RepositoryName
from orlop.domain.pages import PageRequest, page_of, weight
from orlop.ports.advisories import AdvisoryStore
from orlop.ports.hits import HitBy, HitRow, Hits
from orlop.ports.holding import HoldingPlace, LookedAt, PlaceNames
from orlop.services.advisories.accepting import Acceptance, Accepted, JudgedImage
from orlop.services.inside.holders import HolderPage, ImageHolders

#: Images whose findings are read together, and of these packages and findings: fewer images where there are more, and
#: of one the worst findings.
_TOGETHER, _HELD, _ROWS = 100, 100_000, 50_000
#: Packages that are told of each image, and of all before a page ends.
EACH, _TOLD = 200, 10_000


class OneVulnerability(msgspec.Struct, frozen=True):
    """All names of a vulnerability that somebody asks about, and the one by which they do."""

    names: frozenset[str]
    asked: str

    @property
    def called(self) -> str:
        """The CVE that was asked for, or the only one that it has; empty: its advisories have names of their own."""
        cve = self.asked.upper()
        return cve if cve.startswith("CVE-") and cve in self.names else _called("", self.names)


class HitPackage(msgspec.Struct, frozen=True, kw_only=True):
    """A package that a vulnerability hits. `id`: what that is called, the CVE where there is one; `ids`: the advisories
    that say so; `possible`: why it is only possible, empty where it is certain; `accepted`: the exception that holds
    for it there; `said`: what VEX documents that count say of it there."""

    id: str
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
    """An image that is hit. `more`: packages beside those that are told; what was not even read counts advisory by
    advisory."""

    place: HoldingPlace
    names: PlaceNames
    packages: tuple[HitPackage, ...]
    more: int = 0


class HitImages(msgspec.Struct, frozen=True):
    """Images by repository and digest. `goes_on`: where the next page begins, empty: nowhere; a page may end early
    where much was looked at, or more would weigh over `PageRequest.bytes`."""

    images: tuple[HitImage, ...]
    goes_on: str = ""


class _Hits(msgspec.Struct):
    """What hits an image, each with all names of it, and how much beside that was not read."""

    packages: list[tuple[HitPackage, tuple[str, ...]]] = []
    left: int = 0


class SoughtHits:
    """See services.inside.holders.Sought."""

    def __init__(self, hits: Hits, by: HitBy) -> None:
        self._hits = hits
        self.together = hits.together
        self._by = by
        self.is_nothing = not by.advisories and not by.since

    async def rare(self, most: int) -> tuple[HoldingPlace, ...] | None:
        """See Sought."""
        return await self._hits.rare(self._by, most)

    async def along(self, repositories: Sequence[str], after: tuple[str, str], limit: int) -> tuple[LookedAt, ...]:
        """See Sought."""
        return await self._hits.along(self._by, repositories, after, limit)


class HitPages:
    """See the module."""

    def __init__(self, holders: ImageHolders, store: AdvisoryStore, acceptance: Acceptance) -> None:
        self._holders = holders
        self._vulnerable = store.vulnerable
        self._hits = store.hits
        self._holding = store.holding
        self._acceptance = acceptance

    async def bare(self, caller: Caller, by: HitBy, at: str, page: PageRequest) -> HitImages:
        """Where images are that are hit, at a place, and nothing else of them. Raises as `page`."""
        listed = await self.places(caller, by, at, page)
        shown = page_of((HitImage(place, PlaceNames(), ()) for place in listed.places), page)
        return _ending(shown.items) if shown.more else HitImages(shown.items, listed.goes_on)

    async def places(self, caller: Caller, by: HitBy, at: str, page: PageRequest) -> HolderPage:
        """Their places alone. Raises as `page`."""
        return await self._holders.page(caller, SoughtHits(self._hits, by), at, page)

    async def page(
        self, caller: Caller, by: HitBy, at: str, page: PageRequest, one: OneVulnerability | None = None
    ) -> HitImages:
        """Images at a place that are hit. `one`: the vulnerability that these findings are of, None: they are of
        several, which those that share a CVE are not. Raises Unauthorized, RequestInvalid, PageInvalid."""
        listed = await self.places(caller, by, at, page)
        images: list[HitImage] = []
        told, together, left = 0, _TOGETHER, page.bytes
        while places := listed.places[len(images) : len(images) + together]:
            if told >= _TOLD:
                return _ending(images)
            found = await self._found(by, places, one)
            if found is None:
                together = len(places) // 2
                continue
            for image in await self._images(places, found):
                left -= weight(image)
                if left < 0 and images:
                    return _ending(images)
                images.append(image)
                told += len(image.packages)
        return HitImages(tuple(images), listed.goes_on)

    async def _found(
        self, by: HitBy, places: Sequence[HoldingPlace], one: OneVulnerability | None
    ) -> Mapping[str, _Hits] | None:
        """What hits these images, by digest; None: it is more than is read at once, and fewer are to be asked for."""
        digests = sorted({place.digest for place in places})
        held = await self._hits.held(by, digests, _HELD)
        packages = sorted({package for _, package in held})
        rows = await self._hits.told(by, packages, _ROWS) if len(held) < _HELD else ()
        if len(held) == _HELD or len(rows) == _ROWS:
            if len(places) > 1:
                return None
            rows, every = await self._hits.worst(by, digests[0], _ROWS)
            hits = await self._packages(rows, one)
            return {digests[0]: _Hits([hit for mine in hits.values() for hit in mine], every - len(rows))}
        hits = await self._packages(rows, one)
        found: dict[str, _Hits] = {}
        for digest, package in dict.fromkeys(held):
            found.setdefault(digest, _Hits()).packages.extend(hits.get(package, ()))
        return found

    async def _images(self, places: Sequence[HoldingPlace], found: Mapping[str, _Hits]) -> list[HitImage]:
        called = await self._holding.names(places)
        judging = {place: _judged_as(place, called[place]) for place in places}
        by_repository: dict[RepositoryName, set[Digest]] = {}
        for image in judging.values():
            by_repository.setdefault(image.repository, set()).update(image.digests)
        referred = {name: await self._acceptance.referred(name, mine) for name, mine in by_repository.items()}
        images = []
        for place in places:
            judgement = await self._acceptance.of(judging[place], referred[place.repository])
            hits = found.get(str(place.digest)) or _Hits()
            mine = sorted(hits.packages, key=_rank)
            packages = tuple(
                msgspec.structs.replace(
                    package, accepted=judgement.accepted(ids, package.purl), said=judgement.said(ids, package.purl)
                )
                for package, ids in mine[:EACH]
            )
            images.append(HitImage(place, called[place], packages, max(0, len(mine) - EACH) + hits.left))
        return images

    async def _packages(
        self, rows: Sequence[HitRow], one: OneVulnerability | None
    ) -> Mapping[int, list[tuple[HitPackage, tuple[str, ...]]]]:
        """What hits each package, and all names of it."""
        meant = one.names if one is not None else frozenset[str]()
        aliases = await self._vulnerable.aliases(sorted({row.advisory for row in rows}))
        names = {row.advisory: frozenset((row.id, *aliases.get(row.advisory, ()))) for row in rows}
        every = sorted(meant.union(*names.values()))
        exploited = await self._vulnerable.exploited([name for name in every if name.startswith("CVE-")])
        grouped: dict[tuple[int, str], list[HitRow]] = {}
        for row in rows:
            called = one.called if one is not None else _called(row.id, names[row.advisory])
            grouped.setdefault((row.package, called), []).append(row)
        found: dict[int, list[tuple[HitPackage, tuple[str, ...]]]] = {}
        for (package, called), mine in grouped.items():
            ids = meant.union(*(names[row.advisory] for row in mine))
            hit = _package(mine, called, exploited=not ids.isdisjoint(exploited))
            found.setdefault(package, []).append((hit, tuple(sorted(ids))))
        return found


def _ending(images: Sequence[HitImage]) -> HitImages:
    """A page that ends with these, behind which are others."""
    last = images[-1].place
    return HitImages(tuple(images), f"{last.repository} {last.digest}")


def _rank(hit: tuple[HitPackage, tuple[str, ...]]) -> tuple[int, str, str]:
    return SEVERITIES.index(hit[0].severity), hit[0].purl, hit[0].id


def _called(name: str, names: frozenset[str]) -> str:
    """An advisory of a distribution mends several vulnerabilities at once: then it has the name."""
    cves = [one for one in names if one.startswith("CVE-")]
    return cves[0] if len(cves) == 1 else name


def _package(mine: Sequence[HitRow], called: str, *, exploited: bool) -> HitPackage:
    """What is certain before what is possible, then the worst."""
    first = min(mine, key=lambda row: (row.how.startswith(POSSIBLE), SEVERITIES.index(row.severity), row.id))
    severity = raised(SaidSeverity(first.severity, first.source), exploited=exploited)
    return HitPackage(
        id=called or first.id,
        purl=first.purl,
        type=first.type,
        version=first.version,
        fixed=tuple(dict.fromkeys(version for row in mine for version in row.fixed.split(", ") if version)),
        severity=severity.word,
        source=severity.source,
        ids=tuple(sorted({row.id for row in mine})),
        possible=first.how.removeprefix(POSSIBLE) if first.how.startswith(POSSIBLE) else "",
    )


def _judged_as(place: HoldingPlace, called: PlaceNames) -> JudgedImage:
    digests = (place.digest,) if called.index is None else (place.digest, called.index)
    return JudgedImage(repository=place.repository, digests=digests, tags=frozenset(called.tags))
