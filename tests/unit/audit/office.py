"""A catalog in memory with an audit log, its writer, and a clock that the test moves."""

from orlop.adapters.identity.heads import Ed25519HeadChecker, Ed25519Heads
from orlop.adapters.memory.catalog import open_memory
from orlop.domain.audit import Chained, Head
from orlop.domain.events import Event, EventKind
from orlop.ports.clock import HOUR, SECOND
from orlop.ports.jobs import Lease
from orlop.services.audit import JOB, AuditWriter, Keep
from orlop.services.audit_verify import AuditReport, AuditVerification
from tests.registry import HandClock

DAY = 24 * HOUR
KEEP = Keep(30 * DAY, "30d")


class Office:
    """One process that writes the log."""

    def __init__(self, keep: Keep = KEEP) -> None:
        self.clock = HandClock()
        self.rows = open_memory()
        self.audit = self.rows.audit
        self.signer = Ed25519Heads(self.audit.keys, None, self.clock.now)
        self.writer = self.another(keep)

    def another(self, keep: Keep = KEEP) -> AuditWriter:
        """One more process."""
        audit = self.audit
        return AuditWriter(
            self.rows.catalog.outbox, audit.log, audit.reader, audit.readers, self.signer, self.clock, keep
        )

    async def lease(self, owner: str = "one") -> Lease:
        """The lease, taken over if need be."""
        now = self.clock.now()
        lease = await self.rows.leases.acquire(JOB, owner, now=now, until=now + 60 * SECOND)
        assert lease is not None
        return lease

    async def happen(self, count: int = 1, actor: str = "alice") -> None:
        """Things happen."""
        events = [
            Event(at=self.clock.now() + place, kind=EventKind.TAG_SET, actor=actor, repository="team/app", tag="v1")
            for place in range(count)
        ]
        await self.audit.writer.write(events)

    async def written(self, count: int = 1, actor: str = "alice") -> None:
        """Things happen and are written."""
        await self.happen(count, actor)
        await self.writer.step(await self.lease())

    async def days(self, count: int, *, each: int = 3) -> None:
        """So many days go by, with so many things each."""
        for _ in range(count):
            await self.written(each)
            self.clock.at += DAY

    async def verified(self, *noted: Head, trusted: tuple[str, ...] = ()) -> AuditReport:
        """What verification finds."""
        checker = Ed25519HeadChecker(self.audit.keys, trusted)
        return await AuditVerification(self.audit.log, self.audit.reader, checker, noted).run()

    @property
    def entries(self) -> list[Chained]:
        """The rows, to damage."""
        return self.rows.audit_state.entries
