"""How a whole registry stands, for one screen: gathered from what knows each part of it."""

import msgspec

from orlop.domain.access import Caller
from orlop.domain.attention import Concern
from orlop.domain.certificates import Certificate
from orlop.domain.read_only import ReadOnlyStanding
from orlop.ports.certificates import Certificates
from orlop.ports.following import FollowerState
from orlop.ports.replicas import Replica, Replicas
from orlop.services.attention.attention import Attention
from orlop.services.following.followers import Followers
from orlop.services.health.health import HealthDesk, HealthReport
from orlop.services.management.operations import Gate, Operation
from orlop.services.read_only.desk import ReadOnlyDesk
from orlop.services.status.presence import there
from orlop.services.usage.reports import UsageReport, UsageReports


class StatusReport(msgspec.Struct, frozen=True):
    """A moment, in microseconds since 1970. `schema`: the newest migration of the catalog; `usage`: of the whole
    registry, with its disk."""

    at: int
    version: str
    schema: int
    replicas: tuple[Replica, ...]
    health: HealthReport
    read_only: ReadOnlyStanding | None
    followers: tuple[FollowerState, ...]
    certificates: tuple[Certificate, ...]
    usage: UsageReport
    attention: tuple[Concern, ...]


class StatusDesk:
    """For those who rule or audit the registry. `itself`: the server that is asked."""

    def __init__(
        self,
        gate: Gate,
        health: HealthDesk,
        read_only: ReadOnlyDesk,
        followers: Followers,
        usage: UsageReports,
        attention: Attention,
        certificates: Certificates,
        replicas: Replicas,
        itself: Replica,
    ) -> None:
        self._gate = gate
        self._health = health
        self._read_only = read_only
        self._followers = followers
        self._usage = usage
        self._attention = attention
        self._certificates = certificates
        self._replicas = replicas
        self._itself = itself

    async def report(self, caller: Caller) -> StatusReport:
        """In a few dozen queries, each of which is bounded. Raises Denied, Unauthorized, Unavailable."""
        await self._gate.check(caller, Operation.HEALTH_READ)
        now = self._gate.now()
        return StatusReport(
            at=now,
            version=self._itself.version,
            schema=await self._replicas.schema(),
            replicas=await there(self._replicas, self._itself, now),
            health=await self._health.report(caller),
            read_only=await self._read_only.standing(caller),
            followers=await self._followers.all(caller),
            certificates=tuple(await self._certificates.standing()),
            usage=await self._usage.of(caller, ""),
            attention=await self._attention.of(caller),
        )

    async def servers(self, caller: Caller) -> tuple[Replica, ...]:
        """Those on this catalog, by when they started. Raises Denied, Unauthorized, Unavailable."""
        await self._gate.check(caller, Operation.HEALTH_READ)
        return await there(self._replicas, self._itself, self._gate.now())
