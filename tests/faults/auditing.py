"""A program that lets things happen and writes them into the audit log, in small transactions, days after days.

Started as `python -m tests.faults.auditing FOLDER RUN`; the runs follow one another on one folder, however they end.
"""

import asyncio
import sys
from pathlib import Path

from orlop.adapters.identity.heads import Ed25519Heads
from orlop.adapters.sql.catalog import DATABASE, open_sqlite
from orlop.adapters.sql.migrations.sqlite import migrate
from orlop.domain.events import Event, EventKind
from orlop.ports.clock import HOUR
from orlop.services import audit as module
from orlop.services.audit import JOB, AuditWriter, Keep
from tests.registry import START, HandClock

DAY = 24 * HOUR
#: Entries of one transaction, and how long they are kept: so little that a run takes many and drops some.
_TOGETHER, _KEEP = 3, 2 * DAY


async def work(folder: Path, run: int) -> None:
    """Three days, with seven things on each."""
    module._TOGETHER, module._EVENTS_KEPT = _TOGETHER, 10_000
    clock = HandClock()
    clock.at = START + 3 * run * DAY
    migrate(folder / DATABASE, lambda: START)
    opened = open_sqlite(folder)
    audit = opened.audit
    signer = Ed25519Heads(audit.keys, None, clock.now)
    writer = AuditWriter(
        opened.catalog.outbox, audit.log, audit.reader, audit.readers, signer, clock, Keep(_KEEP, "2d")
    )
    for _ in range(3):
        clock.at += DAY
        await audit.writer.write(
            [
                Event(at=clock.at + number, kind=EventKind.TAG_SET, actor="alice", repository="team/app")
                for number in range(7)
            ]
        )
        lease = await opened.leases.acquire(JOB, f"run {run}", now=clock.at, until=clock.at + HOUR)
        assert lease is not None
        await writer.step(lease)
        await writer.tidy(lease)
    await opened.engine.close()


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), int(sys.argv[2])))
