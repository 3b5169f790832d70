"""A program that lets things happen and writes them into the audit log, in small transactions, days after days.

Started as `python -m tests.faults.auditing FOLDER|URL RUN`; the runs follow one another on one catalog, in a folder or
in a database, however they end.
"""

import asyncio
import sys
from pathlib import Path

from orlop.adapters.identity.heads import Ed25519Heads
from orlop.adapters.sql.catalog import DATABASE, OpenCatalog, open_sqlite
from orlop.adapters.sql.migrations.sqlite import migrate
from orlop.adapters.sql.postgres.catalog import open_postgres
from orlop.adapters.sql.postgres.connections import Database
from orlop.domain.events import Event, EventKind
from orlop.ports.clock import HOUR
from orlop.services.audit import log as module
from orlop.services.audit.log import JOB, AuditWriter, Keep
from tests.postgres import SURROUNDINGS
from tests.registry import START, HandClock

DAY = 24 * HOUR
#: Entries of one transaction, and how long they are kept: so little that a run takes many and drops some.
_TOGETHER, _KEEP = 3, 2 * DAY


def opened_at(place: str) -> OpenCatalog:
    """The catalog in a folder, or in a database that has its tables."""
    if place.startswith("postgresql:"):
        return open_postgres(Database(place), None, [0], 0, SURROUNDINGS)
    migrate(Path(place) / DATABASE, lambda: START)
    return open_sqlite(Path(place))


async def work(place: str, run: int) -> None:
    """Three days, with seven things on each."""
    module._TOGETHER, module._EVENTS_KEPT = _TOGETHER, 10_000
    clock = HandClock()
    clock.at = START + 3 * run * DAY
    opened = opened_at(place)
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
    asyncio.run(work(sys.argv[1], int(sys.argv[2])))
