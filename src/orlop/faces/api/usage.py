"""End points about usage: how much lies where, what is below, how it grew, and who shares it."""

from datetime import date, timedelta
from typing import Annotated

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from orlop.domain.quotas import Usage
from orlop.faces.api.exchange import ApiRequest, caller_of
from orlop.ports.usage import Sharing, UsageBelow, UsageDay
from orlop.services.management.operations import Operation
from orlop.services.usage.reports import UsageReport, UsageReports

Path = Annotated[
    str, QueryParameter(name="path", max_length=255, description="The namespace or repository; empty: the registry.")
]
Count = Annotated[int, QueryParameter(name="n", ge=1, le=1_000, description="So many at most.")]
Days = Annotated[int, QueryParameter(name="days", ge=1, le=400, description="From so many days ago on.")]


class QuotaUseValue(msgspec.Struct, frozen=True):
    """How far one limit of a quota is used up. `path`: the node that the quota is about; `of`: what it limits;
    `full_in`: days until it is full if it grows on a line as in the last 30 days, null: not to be said."""

    name: str
    path: str
    of: str
    used: int
    limit: int
    full_in: int | None


class DiskUseValue(msgspec.Struct, frozen=True):
    """The disk of the blobs, in bytes: what is free, all of it, and what uploads leave free; `full_in` as of quotas."""

    free: int
    size: int
    reserve: int
    full_in: int | None


class UsageValue(msgspec.Struct, frozen=True):
    """What lies at a place. `stored_bytes`: each blob once, whoever holds it there; `logical_bytes`: the sum of what
    its repositories hold; `cached_bytes`: what is cached of upstreams below the place, which of the registry and at and
    below the node of an upstream is part of the others, and above that comes on top; `reserved_bytes`: held for uploads
    under way; `growth_per_day`: stored bytes, on a line through the last 30 days; null: there are too few of them."""

    path: str
    stored_bytes: int
    logical_bytes: int
    tags: int
    manifests: int
    repositories: int
    cached_bytes: int
    reserved_bytes: int
    growth_per_day: int | None
    quotas: list[QuotaUseValue]
    disk: DiskUseValue | None

    @classmethod
    def of(cls, report: UsageReport) -> "UsageValue":
        """As clients see it."""
        growth = round(report.growth) if report.growth is not None else None
        quotas = [QuotaUseValue(*msgspec.structs.astuple(each)) for each in report.quotas]
        disk = DiskUseValue(*msgspec.structs.astuple(report.disk)) if report.disk is not None else None
        return cls(report.path, *report.usage.each(), report.reserved, growth, quotas, disk)


class UsageBelowValue(msgspec.Struct, frozen=True):
    """What lies directly below: a namespace, whose path ends with a slash, or a repository. `grown_bytes`: by how much
    its stored bytes grew since the first of the days that were asked about; null: there is no history of it."""

    path: str
    stored_bytes: int
    logical_bytes: int
    tags: int
    manifests: int
    repositories: int
    cached_bytes: int
    grown_bytes: int | None

    @classmethod
    def of(cls, below: UsageBelow) -> "UsageBelowValue":
        """As clients see it."""
        grown = below.usage.stored_bytes - below.before if below.before is not None else None
        return cls(below.path, *below.usage.each(), grown)


class UsageDayValue(msgspec.Struct, frozen=True):
    """What a namespace had at the end of a day, UTC."""

    day: date
    stored_bytes: int
    logical_bytes: int
    tags: int
    manifests: int
    repositories: int
    cached_bytes: int

    @classmethod
    def of(cls, day: UsageDay) -> "UsageDayValue":
        """As clients see it."""
        usage: Usage = day.usage
        return cls(date(1970, 1, 1) + timedelta(days=day.day), *usage.each())


class SharingValue(msgspec.Struct, frozen=True):
    """A namespace that holds blobs of the place that was asked about, too: how many, and their bytes."""

    path: str
    blobs: int
    bytes: int

    @classmethod
    def of(cls, sharing: Sharing) -> "SharingValue":
        """As clients see it."""
        return cls(f"{sharing.path}/", sharing.blobs, sharing.size)


def usage(reports: UsageReports) -> list[HTTPRouteHandler]:
    """`/usage`."""

    @get("/usage", operation_id="showUsage", tags=["usage"], operation=Operation.USAGE_READ)
    async def show_usage(request: ApiRequest, path: Path = "") -> UsageValue:
        """How much lies at a place, without counting it, and how far its quotas are used up."""
        return UsageValue.of(await reports.of(caller_of(request), path))

    @get("/usage/below", operation_id="listUsageBelow", tags=["usage"], operation=Operation.USAGE_READ)
    async def list_below(
        request: ApiRequest,
        path: Path = "",
        n: Count = 100,
        days: Days = 30,
        growing: Annotated[
            bool, QueryParameter(name="growing", description="What grew most in these days, not what is largest.")
        ] = False,
    ) -> list[UsageBelowValue]:
        """What lies directly below a namespace, the largest first."""
        found = await reports.below(caller_of(request), path, n, days, by_growth=growing)
        return [UsageBelowValue.of(each) for each in found]

    @get("/usage/days", operation_id="listUsageDays", tags=["usage"], operation=Operation.USAGE_READ)
    async def list_days(request: ApiRequest, path: Path = "", days: Days = 30) -> list[UsageDayValue]:
        """The history of a namespace, day by day."""
        return [UsageDayValue.of(each) for each in await reports.days(caller_of(request), path, days)]

    @get("/usage/sharing", operation_id="listUsageSharing", tags=["usage"], operation=Operation.USAGE_READ)
    async def list_sharing(request: ApiRequest, path: Path = "", n: Count = 20) -> list[SharingValue]:
        """The namespaces outside that hold most of what lies at a place, too. Of a place with more than ten thousand
        blobs it looks at that many."""
        return [SharingValue.of(each) for each in await reports.sharing(caller_of(request), path, n)]

    return [show_usage, list_below, list_days, list_sharing]
