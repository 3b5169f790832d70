"""Looks a few times a second for what other processes changed, on a connection of its own: content by the outbox, who
may do what, settings and the queue by the versions of these.

NOTIFY would tell sooner, but each transaction that notifies holds a lock of the whole cluster until its commit is on
disk, so that pushes would wait for one another; and no notice says that one went missing.
"""

import asyncio
from contextlib import suppress

from orlop.adapters.sql.engine import Row
from orlop.adapters.sql.postgres.changes import FRESH, PostgresChanges
from orlop.adapters.sql.postgres.connections import Connection, Database
from orlop.adapters.sql.postgres.failures import FAILED
from orlop.adapters.sql.postgres.patience import Surroundings
from orlop.adapters.sql.postgres.schema import admit
from orlop.adapters.sql.records import each
from orlop.adapters.sql.statements import POSTGRES
from orlop.domain.events import CONTENT_STAYS

#: Events that say nothing of content.
_OTHERS = each(sorted(CONTENT_STAYS))

#: Between two looks, and before a new connection after one was lost, in seconds.
EVERY = 0.25
AGAIN = 0.5
#: How often the keys that commits left are cleared away, in seconds.
_FORGET_EVERY = 600.0


class Watch:
    """One per process. `run` ends only when it is cancelled."""

    def __init__(
        self,
        database: Database,
        changes: PostgresChanges,
        known: PostgresChanges,
        access: PostgresChanges,
        settings: PostgresChanges,
        queue: PostgresChanges,
        surroundings: Surroundings,
    ) -> None:
        self._database = database
        self._changes = changes
        self._known = known
        self._access = access
        self._settings = settings
        self._queue = queue
        self._surroundings = surroundings

    async def run(self) -> None:
        """Look until cancelled, through any number of connections."""
        while True:
            with suppress(*FAILED):  # whoever asks for something meanwhile is told; here there is only to begin anew
                await self._on_one_connection()
            await self._surroundings.sleep(AGAIN)

    async def _on_one_connection(self) -> None:
        connection = await self._database.connect()
        try:
            await admit(connection)
            (snapshot,) = await self._one(connection, "snapshot")
            version, settings, queue, images = -1, -1, -1, -1
            self._changes.seen()
            forget_at = self._surroundings.monotonic()
            while True:
                asked = self._surroundings.monotonic()
                known = version, settings, queue, images
                snapshot, version, settings, queue, images, news = await self._one(
                    connection, "news", snapshot, _OTHERS
                )
                if news:
                    self._changes.seen()
                if version != known[0]:
                    self._access.seen()
                if settings != known[1]:
                    self._settings.seen()
                if queue != known[2]:
                    self._queue.seen()
                if images != known[3]:
                    self._known.seen()
                for counts in (self._changes, self._known, self._access, self._settings, self._queue):
                    counts.looked(asked)
                if asked >= forget_at:
                    forget_at = asked + _FORGET_EVERY
                    await connection.execute(POSTGRES["commits_forget"])
                await self._surroundings.sleep(EVERY)
        finally:
            connection.terminate()

    async def _one(self, connection: Connection, statement: str, *parameters: str) -> Row:
        async with asyncio.timeout(FRESH), self._database.statement(connection):
            row = await connection.fetchrow(POSTGRES[statement], *parameters)
        assert row is not None
        return tuple(row)
