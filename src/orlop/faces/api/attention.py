"""End points about what needs somebody, how the server fares, and the settings that it runs with."""

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler

from orlop.domain.attention import Concern, ConcernKind, Severity
from orlop.faces.api.exchange import ApiRequest, caller_of, whole
from orlop.faces.http.concerns import page_of
from orlop.services.attention.attention import Attention
from orlop.services.health.health import HealthDesk, HealthReport
from orlop.services.management.configuration import ConfigurationInForce, ValueInForce
from orlop.services.management.operations import Operation
from orlop.telemetry.traffic import Figures


class ConcernValue(msgspec.Struct, frozen=True):
    """Something that needs somebody, in a sentence. `place`: the namespace or repository that it is about, empty: the
    registry; `name`: what it is about there, or its number; `page`: where it is dealt with in a browser."""

    kind: ConcernKind
    severity: Severity
    text: str
    place: str
    name: str
    page: str

    @classmethod
    def of(cls, concern: Concern) -> "ConcernValue":
        """As clients see it."""
        return cls(concern.kind, concern.severity, concern.text, concern.place, concern.name, page_of(concern))


class ConfigurationValue(msgspec.Struct, frozen=True):
    """A setting as it is written in a file. `source`: the flag, the variable or the file that it came from, or
    `default`. Of a secret `value` says only whether there is one."""

    key: str
    value: str
    source: str
    meaning: str

    @classmethod
    def of(cls, value: ValueInForce) -> "ConfigurationValue":
        """As clients see it."""
        return cls(value.key, value.value, value.source, value.meaning)


class StoreValue(msgspec.Struct, frozen=True):
    """A store and what it says: `ok`, or what is wrong."""

    name: str
    says: str


class RequestsValue(msgspec.Struct, frozen=True):
    """What was asked of this server in the last `seconds`, five minutes at most: requests a second, those that failed,
    and how long half of them and 99 of 100 took at most, in seconds (null: there were none)."""

    seconds: float
    per_second: float
    failed: int
    median: float | None
    slowest: float | None
    bytes_out_per_second: float

    @classmethod
    def of(cls, figures: Figures) -> "RequestsValue":
        """As clients see it."""
        return cls(
            seconds=round(figures.seconds, 1),
            per_second=round(figures.per_second, 3),
            failed=figures.failed,
            median=_rounded(figures.median),
            slowest=_rounded(figures.slowest),
            bytes_out_per_second=round(figures.out_per_second, 1),
        )


def _rounded(seconds: float | None) -> float | None:
    return round(seconds, 4) if seconds is not None else None


class ServerValue(msgspec.Struct, frozen=True):
    """How a server fares. `requests` null: it began a moment ago. `images_waiting`: how many wait to be read, and
    `images_unread`: how many could not be."""

    stores: list[StoreValue]
    workers: int
    requests: RequestsValue | None
    repositories: int
    tags: int
    manifests: int
    blobs: int
    blob_bytes: int
    jobs_waiting: int
    jobs_running: int
    jobs_failed: int
    deliveries_pending: int
    deliveries_dead: int
    images_waiting: int
    images_unread: int

    @classmethod
    def of(cls, report: HealthReport) -> "ServerValue":
        """As clients see it."""
        lately, totals, jobs = report.traffic.lately(), report.totals, report.jobs
        return cls(
            stores=[StoreValue(name, said) for name, said in report.stores.items()],
            workers=report.traffic.workers,
            requests=RequestsValue.of(lately) if lately is not None else None,
            repositories=totals.repositories,
            tags=totals.tags,
            manifests=totals.manifests,
            blobs=totals.blobs,
            blob_bytes=totals.blob_bytes,
            jobs_waiting=sum(each.waiting for each in jobs),
            jobs_running=sum(each.running for each in jobs),
            jobs_failed=sum(each.failed for each in jobs),
            deliveries_pending=report.deliveries.pending,
            deliveries_dead=report.deliveries.dead,
            images_waiting=report.images.waiting,
            images_unread=report.images.unread,
        )


def attention(desk: Attention, health: HealthDesk, configuration: ConfigurationInForce) -> list[HTTPRouteHandler]:
    """`/attention`, `/health` and `/configuration`."""

    @get("/attention", operation_id="listConcerns", tags=["operation"], operation=Operation.ATTENTION_READ)
    async def list_concerns(request: ApiRequest) -> list[ConcernValue]:
        """What needs the caller, the urgent first: quotas, secrets that expire, what fails, plans that wait. Of each
        kind 20 at most, and only what the caller may see."""
        return whole(await desk.of(caller_of(request)), ConcernValue.of)

    @get(
        "/configuration",
        operation_id="showConfiguration",
        tags=["operation"],
        operation=Operation.CONFIGURATION_READ,
    )
    async def show_configuration(request: ApiRequest) -> list[ConfigurationValue]:
        """Every setting that this server runs with, and where its value came from."""
        return whole(await configuration.all(caller_of(request)), ConfigurationValue.of)

    @get("/health", operation_id="showHealth", tags=["operation"], operation=Operation.HEALTH_READ)
    async def show_health(request: ApiRequest) -> ServerValue:
        """How the server fares: its stores, its requests of the last minutes, what waits to be done."""
        return ServerValue.of(await health.report(caller_of(request)))

    return [list_concerns, show_health, show_configuration]
