"""Takes the steps on a PostgreSQL database: all that are due in one transaction, under an advisory lock."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count

import asyncpg

from orlop.adapters.sql.migrations import Applied, CatalogRefused, Migration, due, unheard
from orlop.adapters.sql.postgres.connections import Connection, Database
from orlop.adapters.sql.postgres.failures import FAILED, reason, trouble
from orlop.adapters.sql.postgres.schema import end_others
from orlop.domain.errors import Unavailable

#: `ORLP`: the advisory lock under which a database is looked at and changed.
_LOCK = 0x4F524C50

#: A step that waits for a table makes everybody wait who comes after it, and after a second PostgreSQL looks for
#: deadlocks and ends a transaction of a server. So it waits for less at first, then longer each time; in milliseconds.
_GIVE_WAY = "SET LOCAL lock_timeout = {}"
_FIRST, _GROWTH, _LONGEST = 300, 1.5, 3000
_IN_THE_WAY = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)
#: How often the steps are begun, and the time in between in seconds, in which others get on: one who had to begin anew,
#: too, because of it.
_TRIES, _PAUSE = 40, 2.0

#: The presence of the first says that the schema is a catalog of ours; the other says which.
_CREATE = """
CREATE TABLE orlop_migrations (
    number      INTEGER PRIMARY KEY,
    name        TEXT NOT NULL,
    applied_at  BIGINT NOT NULL,
    expands     BOOLEAN NOT NULL
);
CREATE TABLE orlop_store (id TEXT NOT NULL);
INSERT INTO orlop_store VALUES (gen_random_uuid()::text)"""

#: A dump that was restored into another cluster names transactions that are yet to come there: ids go on above them.
_MOVE_EPOCH = """
UPDATE outbox_epoch SET base = ((SELECT max(id) FROM outbox) >> 20 << 20) + (1 << 20)
WHERE base + ((pg_current_xact_id()::text::bigint + 1) << 20) <= (SELECT max(id) FROM outbox)"""


async def prepare(database: Database, now: Callable[[], int]) -> str:
    """Make an empty database a catalog; the id that it got then, and keeps.

    Any other is left as it is: raises CatalogRefused when it is not ours, of a newer release, or waits for a step.
    Raises Unavailable.
    """
    async with _opened(database) as (connection, where):
        applied = await _applied(connection, where)
        steps = due("postgres", applied, where)
        if applied and steps:
            raise CatalogRefused(
                f"{where} waits for {len(steps)} migrations, from {steps[0].number} on; look at them with"
                " `orlop migrate plan`, and take them with `orlop migrate run`"
            )
        await take(connection, applied, steps, now)
        await connection.execute(_MOVE_EPOCH)
        return str(await connection.fetchval("SELECT id FROM orlop_store"))


async def prepare_at(database: Database, now: Callable[[], int], schema: int) -> str:
    """Make an empty database a catalog with the steps up to `schema`, for the rows of a backup; its id. One that has
    these is left as it is. Raises CatalogRefused when it has others, Unavailable."""
    async with _opened(database) as (connection, where):
        applied = await _applied(connection, where)
        wanted = tuple(step for step in due("postgres", (), where) if step.number <= schema)
        if not wanted or wanted[-1].number != schema:
            raise CatalogRefused(f"the backup has schema {schema}, which this release does not know; use a newer one")
        if applied and [step.number for step in applied] != [step.number for step in wanted]:
            raise CatalogRefused(f"{where} holds a catalog of another schema than the backup; name an empty database")
        if not applied:
            await take(connection, applied, wanted, now)
        return str(await connection.fetchval("SELECT id FROM orlop_store"))


async def migrate(database: Database, now: Callable[[], int]) -> tuple[Migration, ...]:
    """Take every step that is due; which they were. Raises CatalogRefused, Unavailable.

    Servers go on beside it: where their transactions are in the way, it lets go of everything and begins again. At its
    end they connect anew, and those that may not go on find that out (postgres/schema.py).
    """
    for tries in count(1):
        try:
            return await _migrate(database, now, min(_LONGEST, round(_FIRST * _GROWTH ** (tries - 1))))
        except Unavailable as failure:
            if tries == _TRIES or not isinstance(failure.__cause__, _IN_THE_WAY):
                raise
        await asyncio.sleep(_PAUSE)
    raise AssertionError("unreachable")


async def _migrate(database: Database, now: Callable[[], int], patience: int) -> tuple[Migration, ...]:
    async with _opened(database) as (connection, where):
        applied = await _applied(connection, where)
        steps = due("postgres", applied, where)
        await connection.execute(_GIVE_WAY.format(patience))
        await take(connection, applied, steps, now)
        if steps:
            await end_others(connection)
        return steps


async def taken(database: Database) -> tuple[Applied, ...]:
    """The steps that a database has taken. Raises CatalogRefused when it is not ours, Unavailable."""
    async with _opened(database) as (connection, where):
        return await _applied(connection, where)


@asynccontextmanager
async def _opened(database: Database) -> AsyncIterator[tuple[Connection, str]]:
    """A transaction that nobody else changes the schema beside, and how to call the database."""
    try:
        connection = await database.connect()
        try:
            async with connection.transaction():
                await connection.execute("SET LOCAL lock_timeout = '60s'", timeout=None)
                await connection.fetch("SELECT pg_advisory_xact_lock($1)", _LOCK, timeout=60.0)
                name, schema = await connection.fetchrow("SELECT current_database(), current_schema()")
                if schema is None:
                    raise CatalogRefused(f"the database {name} has no schema that Orlop may use; see its search_path")
                yield connection, f"the database {name} (schema {schema})"
        finally:
            connection.terminate()
    except FAILED as cause:
        if trouble(cause) is None:
            raise
        raise Unavailable(f"{reason(cause)}; nothing was changed") from cause


async def _applied(connection: Connection, where: str) -> tuple[Applied, ...]:
    tables = [
        row[0]
        for row in await connection.fetch(
            "SELECT relname FROM pg_class"
            " WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')"
        )
    ]
    if "orlop_migrations" in tables:
        rows = await connection.fetch("SELECT number, name, applied_at, expands FROM orlop_migrations ORDER BY number")
        return tuple(Applied(*row) for row in rows)
    if tables:
        raise CatalogRefused(
            f"{where} holds tables of another program, such as {min(tables)}; give Orlop a database of its own"
        )
    return ()


async def take(
    connection: Connection,
    applied: tuple[Applied, ...],
    steps: tuple[Migration, ...],
    now: Callable[[], int],
    told: Callable[[Migration], None] = unheard,
) -> None:
    """Take these steps in the transaction of a connection; `told` of each."""
    if not applied:
        await connection.execute(_CREATE)
    for step in steps:
        await connection.execute(step.sql, timeout=3600.0)
        await connection.execute(
            "INSERT INTO orlop_migrations VALUES ($1, $2, $3, $4)", step.number, step.name, now(), step.expands
        )
        told(step)
