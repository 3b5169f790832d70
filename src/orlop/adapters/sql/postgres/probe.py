"""What a PostgreSQL database says of itself, and how far away it is."""

import statistics
import time

from orlop.adapters.sql.postgres.connections import Database
from orlop.adapters.sql.postgres.failures import FAILED, reason, trouble
from orlop.domain.checkup import DatabaseFacts
from orlop.domain.errors import Unavailable

_TRIPS = 9
_FACTS = """
SELECT current_setting('server_version'), (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
       current_setting('max_connections')::integer, NOT pg_is_in_recovery(),
       current_setting('transaction_read_only') = 'off', has_schema_privilege(current_schema(), 'CREATE'),
       current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on'
           AND current_setting('synchronous_commit') <> 'off'"""


class DatabaseProbe:
    """See ports.checkup.DatabaseProbe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def look(self) -> DatabaseFacts:
        """See ports.checkup.DatabaseProbe."""
        try:
            connection = await self._database.connect()
            try:
                took = []
                for _ in range(_TRIPS):
                    began = time.perf_counter()
                    await connection.fetchval("SELECT 1")
                    took.append(time.perf_counter() - began)
                before = time.time_ns() // 1000
                version, now, most, primary, writable, creates, durable = await connection.fetchrow(_FACTS)
                between = (before + time.time_ns() // 1000) // 2
            finally:
                connection.terminate()
        except FAILED as cause:
            if trouble(cause) is None:
                raise
            raise Unavailable(reason(cause)) from cause
        return DatabaseFacts(
            version=version,
            round_trip=statistics.median(took),
            skew=now - between,
            connections=most,
            writes=primary and writable,
            creates=bool(creates),
            durable=durable,
        )
