"""A catalog in memory with an audit log, its writer, and a clock that the test moves."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from msgspec.structs import astuple

from orlop.adapters.identity.heads import Ed25519HeadChecker, Ed25519Heads
from orlop.adapters.sql.engine import Session
from orlop.adapters.sql.memory import open_memory
from orlop.adapters.sql.sqlite import driven
from orlop.domain.audit import Chained, Head, Segment
from orlop.domain.events import Event, EventKind
from orlop.ports.clock import HOUR, SECOND
from orlop.ports.jobs import Lease
from orlop.services.audit.log import JOB, AuditWriter, Keep
from orlop.services.audit.verify import AuditReport, AuditVerification
from tests.catalogs import rows
from tests.registry import HandClock

DAY = 24 * HOUR
KEEP = Keep(30 * DAY, "30d")

_ALL = 1_000_000


class Log(NamedTuple):
    """The rows of a log, to damage."""

    entries: list[Chained]
    segments: list[Segment]
    heads: list[Head]


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
        """All that is in the log."""
        return list(driven(self.audit.reader.after(0, _ALL)))

    @property
    def segments(self) -> list[Segment]:
        """Its segments."""
        return list(driven(self.audit.reader.segments()))

    @property
    def heads(self) -> list[Head]:
        """Its heads."""
        return list(driven(self.audit.reader.heads(0, _ALL)))

    @contextmanager
    def damaged(self) -> Iterator[Log]:
        """The rows, which become what is made of them."""
        log = Log(self.entries, self.segments, self.heads)
        yield log
        for table in ("audit", "audit_segments", "audit_heads"):
            rows(self.rows, f"DELETE FROM {table}")

        async def write(tx: Session) -> None:
            entries = [(*astuple(each.entry), each.hash, int(each.entry.refused)) for each in log.entries]
            await tx.many("audit_insert", entries)
            await tx.many("audit_segment_put", list(map(astuple, log.segments)))
            await tx.many("audit_head_add", list(map(astuple, log.heads)))

        driven(self.rows.engine.write(write, changes=False))
