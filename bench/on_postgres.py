"""A catalog that was filled in SQLite, row by row as it is, in PostgreSQL."""

import asyncio
from itertools import islice
from pathlib import Path

import apsw
import asyncpg

from orlop.adapters.sql.migrations.postgres import prepare
from orlop.adapters.sql.postgres.connections import Database
from orlop.adapters.sql.tables import TABLES

#: Rows of one copy.
_ROWS = 200_000


async def copied(catalog: Path, url: str) -> None:
    """Copy every table into a database that is empty. Numbers go on behind those that are there."""
    await prepare(Database(url), lambda: 1)
    source = apsw.Connection(str(catalog), flags=apsw.SQLITE_OPEN_READONLY)
    target = await asyncpg.connect(url)
    try:
        await target.execute("SET session_replication_role = replica")  # rows come table by table: none is checked
        for table, known in TABLES.items():
            columns = known.columns.split()
            await target.execute(f"DELETE FROM {table}")
            cursor = source.execute(f"SELECT {', '.join(columns)} FROM {table}")
            while rows := list(islice(cursor, _ROWS)):
                await target.copy_records_to_table(table, columns=columns, records=rows)
            sequence = await target.fetchval(
                "SELECT pg_get_serial_sequence($1, a.attname) FROM pg_attribute a"
                " WHERE a.attrelid = $1::regclass AND a.attidentity <> ''",
                table,
            )
            if sequence:
                await target.execute(f"SELECT setval('{sequence}', 1 + (SELECT coalesce(max(id), 0) FROM {table}))")
        await target.execute("ANALYZE")
    finally:
        await target.close()


def copy(catalog: Path, url: str) -> None:
    """See `copied`."""
    asyncio.run(copied(catalog, url))
