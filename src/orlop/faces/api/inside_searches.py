"""End points for questions about what is inside all images: which hold a package, and which a vulnerability hits."""

from datetime import date, timedelta
from typing import Annotated

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from orlop.faces.api import values
from orlop.faces.api.advisories import AcceptedValue, VexWordValue
from orlop.faces.api.browse import FindingCountsValue
from orlop.faces.api.exchange import PAGE, ApiRequest, Last, Size, caller_of, listed, page_of
from orlop.ports.finding_days import FindingDay
from orlop.services.advisories.history import KEPT_DAYS, FindingHistory, PlaceHistory
from orlop.services.advisories.hits import HitImage, HitPackage
from orlop.services.advisories.questions import Vulnerability
from orlop.services.advisories.reports import LICENCES_MOST, PAGE_MOST, RepositoryReport, VulnerabilityReports
from orlop.services.advisories.search import VulnerabilityFound, VulnerabilitySearch
from orlop.services.inside.search import FittingPackage, HolderImage, PackageSearch, PackagesFound
from orlop.services.management.operations import Gate, Operation

At = Annotated[
    str,
    QueryParameter(name="at", max_length=255, description="A namespace or repository; empty: everywhere."),
]


class FittingPackageValue(msgspec.Struct, frozen=True):
    """A package that is meant; `possible`: its version cannot be compared with what was asked."""

    purl: str
    type: str
    version: str
    possible: bool

    @classmethod
    def of(cls, one: FittingPackage) -> "FittingPackageValue":
        """As clients see it."""
        return cls(one.package.purl, one.package.type, one.package.version, one.possible)


class HolderImageValue(msgspec.Struct, frozen=True):
    """An image that holds it. `tags`: its own, and those of indexes that list it; `platform`: for which one of them
    lists it, empty where none does."""

    repository: str
    digest: str
    platform: str
    tags: tuple[str, ...]
    packages: list[FittingPackageValue]

    @classmethod
    def of(cls, one: HolderImage) -> "HolderImageValue":
        """As clients see it."""
        packages = [FittingPackageValue.of(each) for each in one.packages]
        return cls(one.place.repository, one.place.digest, one.names.platform, one.names.tags, packages)


class PackageSearchValue(msgspec.Struct, frozen=True):
    """Images that hold a package. `last`: where the list goes on, empty: nowhere; a page may end early, or be empty,
    where much was looked at. `remarks`: what is not known."""

    images: list[HolderImageValue]
    last: str
    remarks: tuple[str, ...]

    @classmethod
    def of(cls, found: PackagesFound) -> "PackageSearchValue":
        """As clients see it."""
        return cls([HolderImageValue.of(one) for one in found.images], found.goes_on, found.remarks)


class HitPackageValue(msgspec.Struct, frozen=True):
    """A package that a vulnerability hits. `id`: what that is called, the CVE where there is one; `fixed`: versions
    that mend it; `source`: whose word the severity is; `ids`: the advisories that say so; `possible`: why it is only
    possible; `accepted`: the exception that holds for it there, null where there is none; `said`: what VEX documents
    say of it there, null where that is nothing."""

    id: str
    purl: str
    type: str
    version: str
    fixed: tuple[str, ...]
    severity: str
    source: str
    ids: tuple[str, ...]
    possible: str
    accepted: AcceptedValue | None
    said: VexWordValue | None

    @classmethod
    def of(cls, one: HitPackage) -> "HitPackageValue":
        """As clients see it."""
        accepted = AcceptedValue(*msgspec.structs.astuple(one.accepted)) if one.accepted is not None else None
        said = VexWordValue.of(one.said) if one.said is not None else None
        return cls(**(msgspec.structs.asdict(one) | {"accepted": accepted, "said": said}))


class HitImageValue(msgspec.Struct, frozen=True):
    """An image that is hit. `tags`: its own, and those of indexes that list it; `platform`: for which one of them lists
    it, empty where none does; `more`: how many packages beside these."""

    repository: str
    digest: str
    platform: str
    tags: tuple[str, ...]
    packages: list[HitPackageValue]
    more: int

    @classmethod
    def of(cls, one: HitImage) -> "HitImageValue":
        """As clients see it."""
        packages = [HitPackageValue.of(each) for each in one.packages]
        return cls(one.place.repository, one.place.digest, one.names.platform, one.names.tags, packages, one.more)


class VulnerabilitySearchValue(msgspec.Struct, frozen=True):
    """Images that a vulnerability hits. `known`: whether any advisory has this name, or means the same: `advisories`.
    Where none does, nothing is known of it, and that is not the same as nothing being hit; `all_advisories` and
    `sources` say then how many advisories there are, and from where. `last`: where the list goes on, empty: nowhere; a
    page may end early, or be empty, where much was looked at."""

    known: bool
    advisories: tuple[str, ...]
    all_advisories: int
    sources: tuple[str, ...]
    images: list[HitImageValue]
    last: str

    @classmethod
    def of(cls, found: VulnerabilityFound) -> "VulnerabilitySearchValue":
        """As clients see it."""
        return cls(
            bool(found.advisories),
            found.advisories,
            found.all_advisories,
            found.sources,
            [HitImageValue.of(one) for one in found.images],
            found.goes_on,
        )


class WorstValue(msgspec.Struct, frozen=True):
    """One of the worst findings that nobody accepts."""

    id: str
    severity: str
    package: str
    installed: str
    fixed: tuple[str, ...]
    exploited: bool

    @classmethod
    def of(cls, one: Vulnerability) -> "WorstValue":
        """As clients see it."""
        return cls(one.id, one.severity, one.package, one.installed, one.fixed, one.exploited)


class LicenceCountsValue(msgspec.Struct, frozen=True):
    """Packages whose licence rules find wrong: those that nobody accepts, and `accepted`."""

    findings: int
    accepted: int


class RepositoryReportValue(msgspec.Struct, frozen=True):
    """How a repository stands, by the tag that was set last. `findings`: null where that is no image, or nothing is
    known of it; `worst`: the worst of what nobody accepts; `oldest_at`: when the oldest advisory of those that a
    version mends was last changed: for so long at least it could have been mended; `licences`: of how many packages
    rules find the licence wrong, null where that was not asked for, no rule holds, or nothing is known."""

    repository: str
    tag: str
    digest: str
    pushed_at: values.Time
    findings: FindingCountsValue | None
    worst: list[WorstValue]
    oldest_at: values.Time
    licences: LicenceCountsValue | None

    @classmethod
    def of(cls, one: RepositoryReport) -> "RepositoryReportValue":
        """As clients see it."""
        known = one.known
        return cls(
            one.repository,
            one.newest.tag,
            one.newest.digest,
            values.time(one.newest.pushed_at),
            FindingCountsValue.of(known.counts) if known is not None else None,
            [WorstValue.of(each) for each in one.worst],
            values.time(known.oldest) if known is not None else None,
            LicenceCountsValue(one.licences.findings, one.licences.accepted) if one.licences is not None else None,
        )


class FindingDayValue(msgspec.Struct, frozen=True):
    """A day, UTC, and how much was known to be wrong at its end with the images that repositories tagged last, summed
    up. `others`: what is none, or what nobody rated; `accepted`: what exceptions accepted, and `cleared`: what else VEX
    documents cleared, neither of which the others count; `fixable`: how much of the others a version mended."""

    day: date
    critical: int
    high: int
    medium: int
    low: int
    others: int
    accepted: int
    cleared: int
    fixable: int

    @classmethod
    def of(cls, one: FindingDay) -> "FindingDayValue":
        """As clients see it."""
        return cls(date(1970, 1, 1) + timedelta(days=one.day), *msgspec.structs.astuple(one.numbers))


class FindingDaysValue(msgspec.Struct, frozen=True):
    """Days in order. `more`: there are more repositories than are summed up, which are the first by name."""

    days: list[FindingDayValue]
    more: bool

    @classmethod
    def of(cls, found: PlaceHistory) -> "FindingDaysValue":
        """As clients see it."""
        return cls([FindingDayValue.of(one) for one in found.days], found.more)


def inside_searches(
    gate: Gate,
    packages: PackageSearch,
    found: VulnerabilitySearch,
    reports: VulnerabilityReports,
    history: FindingHistory,
) -> list[HTTPRouteHandler]:
    """`/package-search`, `/vulnerability-search`, `/vulnerability-reports` and `/vulnerability-days`."""

    @get("/package-search", operation_id="searchPackage", tags=["inside"], operation=Operation.IMAGE_READ)
    async def search_package(
        request: ApiRequest,
        package: Annotated[
            str,
            QueryParameter(
                name="package",
                max_length=1_024,
                description="A package URL, whose version may be a range: pkg:npm/lodash@>=4,<4.17.21; or a name of "
                "any type.",
            ),
        ],
        at: At = "",
        n: Size = PAGE,
        last: Last = "",
    ) -> PackageSearchValue:
        """Images that hold a package, by repository and digest, as far as the caller may read what was found in
        them."""
        caller = caller_of(request)
        await gate.rights(caller)
        return PackageSearchValue.of(await packages.find(caller, package, at, page_of(n, last)))

    @get("/vulnerability-search", operation_id="searchVulnerability", tags=["inside"], operation=Operation.IMAGE_READ)
    async def search_vulnerability(
        request: ApiRequest,
        id_: Annotated[
            str,
            QueryParameter(
                name="id", min_length=1, max_length=128, description="A CVE, or another name such as GHSA-… or DSA-…."
            ),
        ],
        at: At = "",
        n: Size = PAGE,
        last: Last = "",
    ) -> VulnerabilitySearchValue:
        """Images that a vulnerability hits, by repository and digest, as far as the caller may read what was found in
        them; what is accepted is told as that."""
        caller = caller_of(request)
        await gate.rights(caller)
        return VulnerabilitySearchValue.of(await found.find(caller, id_, at, page_of(n, last)))

    @get(
        "/vulnerability-reports",
        operation_id="listVulnerabilityReports",
        tags=["inside"],
        operation=Operation.IMAGE_READ,
    )
    async def list_vulnerability_reports(
        request: ApiRequest,
        at: At = "",
        n: Size = PAGE,
        last: Last = "",
        licences: Annotated[
            bool,
            QueryParameter(
                name="licences", description="Also what rules for licences find; a page is of 50 repositories at most."
            ),
        ] = False,
    ) -> Response[list[RepositoryReportValue]]:
        """How repositories at a place stand, by name, each by the tag that was set last; as far as the caller may read
        what was found there."""
        caller = caller_of(request)
        await gate.rights(caller)
        size = min(n, LICENCES_MOST if licences else PAGE_MOST)
        page = await reports.page(caller, at, page_of(size, last), licences=licences)
        return listed(request, page, RepositoryReportValue.of, lambda one: str(one.repository), size)

    @get("/vulnerability-days", operation_id="listVulnerabilityDays", tags=["inside"], operation=Operation.IMAGE_READ)
    async def list_vulnerability_days(
        request: ApiRequest,
        at: At = "",
        days: Annotated[int, QueryParameter(ge=1, le=KEPT_DAYS, description="How many days back.")] = 90,
    ) -> FindingDaysValue:
        """How much was known to be wrong in the repositories at a place, day by day, as far as the caller may read what
        was found there."""
        caller = caller_of(request)
        await gate.rights(caller)
        return FindingDaysValue.of(await history.of(caller, at, days))

    return [search_package, search_vulnerability, list_vulnerability_reports, list_vulnerability_days]
