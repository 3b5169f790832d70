"""The end point about how the whole registry stands."""

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler

from orlop.domain.certificates import Certificate
from orlop.domain.durations import SECOND
from orlop.faces.api.attention import ConcernValue, ServerValue
from orlop.faces.api.exchange import ApiRequest, caller_of
from orlop.faces.api.read_only import ReadOnlyValue
from orlop.faces.api.values import Time, time
from orlop.ports.following import FollowerState
from orlop.ports.queue import Depth
from orlop.ports.replicas import Replica
from orlop.services.management.operations import Operation
from orlop.services.status.status import StatusDesk, StatusReport
from orlop.services.usage.reports import DiskUse, QuotaUse


class ReplicaValue(msgspec.Struct, frozen=True):
    """A server on this catalog. `seen_at`: when it last said that it is there, by its own clock."""

    id: str
    host: str
    version: str
    workers: int
    started_at: Time
    seen_at: Time

    @classmethod
    def of(cls, one: Replica) -> "ReplicaValue":
        """As clients see it."""
        return cls(one.id, one.host, one.version, one.workers, time(one.started_at), time(one.seen_at))


class QueueValue(msgspec.Struct, frozen=True):
    """Jobs of a kind. `oldest_seconds`: for how long the oldest has waited that might run."""

    kind: str
    waiting: int
    running: int
    failed: int
    oldest_seconds: int

    @classmethod
    def of(cls, depth: Depth, now: int) -> "QueueValue":
        """As clients see it."""
        oldest = max(0, now - depth.oldest_at) // SECOND if depth.oldest_at else 0
        return cls(depth.kind, depth.waiting, depth.running, depth.failed, oldest)


class LagValue(msgspec.Struct, frozen=True):
    """How far a follower is behind: events that it has not read, and the age of the oldest. `failures`: how often it
    failed at the same one."""

    name: str
    events: int
    seconds: int
    failures: int

    @classmethod
    def of(cls, state: FollowerState, now: int) -> "LagValue":
        """As clients see it."""
        seconds = max(0, now - state.oldest_at) // SECOND if state.oldest_at else 0
        return cls(state.follower.name, state.behind, seconds, state.trouble.failures if state.trouble else 0)


class CertificateValue(msgspec.Struct, frozen=True):
    """The certificate that ends first in a file that a setting names. `trouble`: why nobody knows when."""

    setting: str
    subject: str
    ends_at: Time
    trouble: str

    @classmethod
    def of(cls, one: Certificate) -> "CertificateValue":
        """As clients see it."""
        return cls(one.name, one.subject, time(one.ends_at), one.trouble)


class RoomValue(msgspec.Struct, frozen=True):
    """The disk of the blobs, in bytes. `full_in`: days until nothing is taken any more if it goes on like this, null:
    nobody can say."""

    free: int
    size: int
    reserve: int
    full_in: int | None

    @classmethod
    def of(cls, use: DiskUse) -> "RoomValue":
        """As clients see it."""
        return cls(use.free, use.size, use.reserve, use.full_in)


class LevelValue(msgspec.Struct, frozen=True):
    """A limit of a quota of the whole registry, and what is in use of it; `full_in` as of the disk."""

    quota: str
    of: str
    used: int
    limit: int
    full_in: int | None

    @classmethod
    def made(cls, use: QuotaUse) -> "LevelValue":
        """As clients see it."""
        return cls(use.name, use.of, use.used, use.limit, use.full_in)


class StatusValue(msgspec.Struct, frozen=True):
    """How a registry stands at a moment. `schema`: the newest migration of its catalog; `replicas`: its servers, as
    far as they said within two minutes that they are there; `server`: the one that was asked. `disk` null: the blobs
    are not on one."""

    at: Time
    version: str
    schema: int
    replicas: list[ReplicaValue]
    server: ServerValue
    read_only: ReadOnlyValue
    queue: list[QueueValue]
    followers: list[LagValue]
    certificates: list[CertificateValue]
    disk: RoomValue | None
    quotas: list[LevelValue]
    attention: list[ConcernValue]

    @classmethod
    def of(cls, report: StatusReport) -> "StatusValue":
        """As clients see it."""
        now, usage = report.at, report.usage
        return cls(
            at=time(now),
            version=report.version,
            schema=report.schema,
            replicas=[ReplicaValue.of(one) for one in report.replicas],
            server=ServerValue.of(report.health),
            read_only=ReadOnlyValue.of(report.read_only),
            queue=[QueueValue.of(depth, now) for depth in report.health.jobs],
            followers=[LagValue.of(state, now) for state in report.followers],
            certificates=[CertificateValue.of(one) for one in report.certificates],
            disk=RoomValue.of(usage.disk) if usage.disk is not None else None,
            quotas=[LevelValue.made(use) for use in usage.quotas],
            attention=[ConcernValue.of(concern) for concern in report.attention],
        )


def status(desk: StatusDesk) -> list[HTTPRouteHandler]:
    """`/status`."""

    @get("/status", operation_id="showStatus", tags=["operation"], operation=Operation.HEALTH_READ)
    async def show_status(request: ApiRequest) -> StatusValue:
        """How the whole registry stands: its servers and stores, what waits to be done, how full it is, what ends, and
        what needs somebody."""
        return StatusValue.of(await desk.report(caller_of(request)))

    return [show_status]
