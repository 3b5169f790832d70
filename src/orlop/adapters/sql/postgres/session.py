"""Named statements on PostgreSQL: within a transaction, or one at a time on whatever connection is free."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from orlop.adapters.sql.engine import Row
from orlop.adapters.sql.postgres.connections import STATEMENT, Connection, Pool
from orlop.adapters.sql.postgres.patience import Surroundings, patiently
from orlop.adapters.sql.statements import POSTGRES

T = TypeVar("T")

#: Verification and moves work on whole tables, and nobody waits for it: what such a statement may take, in seconds.
_WHOLE_TABLES = 3600.0


class PostgresSession:
    """See engine.Session: within the transaction that its connection is in."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def one(self, statement: str, *parameters: Any) -> Row | None:
        row: Row | None = await self._connection.fetchrow(POSTGRES[statement], *parameters)
        return row

    async def all(self, statement: str, *parameters: Any) -> list[Row]:
        rows: list[Row] = await self._connection.fetch(POSTGRES[statement], *parameters, timeout=_time(statement))
        return rows

    async def run(self, statement: str, *parameters: Any) -> None:
        await self._connection.fetch(POSTGRES[statement], *parameters)

    async def many(self, statement: str, rows: Sequence[Row]) -> None:
        await self._connection.executemany(POSTGRES[statement], rows)


class PostgresReader:
    """See engine.Session: each statement on its own, and again on another connection when one is lost."""

    def __init__(self, pool: Pool, surroundings: Surroundings) -> None:
        self._pool = pool
        self._surroundings = surroundings

    async def one(self, statement: str, *parameters: Any) -> Row | None:
        return await self._on_any(lambda session: session.one(statement, *parameters))

    async def all(self, statement: str, *parameters: Any) -> list[Row]:
        return await self._on_any(lambda session: session.all(statement, *parameters))

    async def run(self, statement: str, *parameters: Any) -> None:
        await self._on_any(lambda session: session.run(statement, *parameters))

    async def many(self, statement: str, rows: Sequence[Row]) -> None:
        await self._on_any(lambda session: session.many(statement, rows))

    async def _on_any(self, work: Callable[[PostgresSession], Awaitable[T]]) -> T:
        async def attempt() -> T:
            async with self._pool.connection() as connection, self._pool.database.statement(connection):
                return await work(PostgresSession(connection))

        return await patiently(self._surroundings, attempt)


def _time(statement: str) -> float:
    return _WHOLE_TABLES if statement.startswith(("finding_", "inspect_count_", "clear_")) else STATEMENT
