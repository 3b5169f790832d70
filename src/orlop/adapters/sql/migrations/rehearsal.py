"""Rehearses steps in a PostgreSQL database of their own: the tables of the live one as of one moment, and their rows.

The live database is only read. Its tables are made by the steps that it has taken, which every release knows, so only
rows are copied, and no program beside this one is needed.
"""

import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

import asyncpg

from orlop.adapters.sql.migrations import Migration, Rehearsed, due, known
from orlop.adapters.sql.migrations.postgres import take, taken
from orlop.adapters.sql.postgres.connections import Connection, Database
from orlop.adapters.sql.postgres.failures import FAILED, reason, trouble
from orlop.domain.errors import Unavailable

#: How long one statement may take that copies or changes a table, in seconds.
_LONG = 3600.0

_TABLES = """
SELECT c.oid, c.relname, array_agg(a.attname ORDER BY a.attnum)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    AND c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
    AND c.relname NOT IN ('orlop_migrations', 'orlop_store')
GROUP BY c.oid, c.relname"""
_POINTS_AT = """
SELECT conrelid, confrelid FROM pg_constraint
WHERE contype = 'f' AND connamespace = current_schema()::regnamespace AND conrelid <> confrelid"""


async def rehearse(database: Database, now: Callable[[], int], clock: Callable[[], float], scratch: str) -> Rehearsed:
    """Take the steps that are due in a new database called `scratch`, which goes again. `clock` in seconds.

    Raises CatalogRefused, Unavailable: also where the role may make no database, and with what a step would fail with.
    """
    applied = await taken(database)
    steps = due("postgres", applied, "the database")
    if not steps:
        return Rehearsed()
    starts = list[float]()
    has = {step.number for step in applied}
    try:
        began = clock()
        async with _scratch(database, scratch) as connection:
            async with connection.transaction():
                await take(connection, (), tuple(step for step in known("postgres") if step.number in has), now)
            size = await _copy(database, connection)
            starts.append(clock())
            copied = starts[0] - began

            def told(_: Migration) -> None:
                starts.append(clock())

            async with connection.transaction():
                await take(connection, applied, steps, now, told)
    except asyncpg.InsufficientPrivilegeError as cause:
        raise Unavailable(
            "the role of the database may not make another one, in which the steps would be tried; give it the right"
            " (ALTER ROLE … CREATEDB), or restore a dump elsewhere and take them there; nothing was changed"
        ) from cause
    except FAILED as cause:
        if starts and isinstance(cause, asyncpg.PostgresError):
            step = steps[len(starts) - 1]
            raise Unavailable(
                f"the migration {step.number:04} {step.name} fails here: {cause}; the catalog is as it was"
            ) from cause
        if trouble(cause) is None:
            raise
        raise Unavailable(f"{reason(cause)}; nothing was changed") from cause
    took = zip(steps, starts, starts[1:], strict=False)
    return Rehearsed(tuple((step, end - start) for step, start, end in took), size, copied)


@asynccontextmanager
async def _scratch(database: Database, name: str) -> AsyncIterator[Connection]:
    """A database of this name until the block ends."""
    live = await database.connect()
    try:
        await live.execute(f'CREATE DATABASE "{name}" TEMPLATE template0', timeout=_LONG)
        try:
            connection = await asyncpg.connect(database.url, **{**database.options(), "database": name})
            try:
                yield connection
            finally:
                connection.terminate()
        finally:
            with suppress(*FAILED):
                await live.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', timeout=_LONG)
    finally:
        live.terminate()


async def _copy(database: Database, copy: Connection) -> int:
    """Every row of the live database, as of one moment; how many bytes they are as they are sent."""
    size, live = 0, await database.connect()
    try:
        async with live.transaction(isolation="repeatable_read", readonly=True):
            tables = await live.fetch(_TABLES)
            names = {oid: name for oid, name, _ in tables}
            columns: Mapping[str, Sequence[str]] = {name: found for _, name, found in tables}
            points = [(names[here], names[there]) for here, there in await live.fetch(_POINTS_AT)]
            async with copy.transaction():
                listed = ", ".join(f'"{name}"' for name in columns)
                await copy.execute(f"TRUNCATE {listed} CASCADE", timeout=_LONG)
                for name in _ordered(list(columns), points):
                    await copy.execute(f'ALTER TABLE "{name}" DISABLE TRIGGER USER')
                    with tempfile.TemporaryFile() as rows:
                        await live.copy_from_table(
                            name, columns=columns[name], output=rows, format="binary", timeout=_LONG
                        )
                        size += rows.tell()
                        rows.seek(0)
                        await copy.copy_to_table(
                            name, columns=columns[name], source=rows, format="binary", timeout=_LONG
                        )
                    await copy.execute(f'ALTER TABLE "{name}" ENABLE TRIGGER USER')
        await copy.execute("ANALYZE", timeout=_LONG)
    finally:
        live.terminate()
    return size


def _ordered(names: list[str], points: Sequence[tuple[str, str]]) -> list[str]:
    """Every table behind those that it points at; of a circle in any order."""
    done: list[str] = []
    while left := [name for name in names if name not in done]:
        ready = [name for name in left if all(there in done for here, there in points if here == name)]
        done += ready or left[:1]
    return done
