"""Connections to a database: how they are opened, and the pool that a process takes them from."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from typing import Any

import asyncpg
import msgspec

from orlop.adapters.sql.postgres.failures import FAILED, Crowded
from orlop.adapters.sql.postgres.schema import APPLICATION, admit

#: How long opening a connection may take, waiting for one of the pool, and a statement, in seconds.
CONNECT = 3.0
ACQUIRE = 3.0
STATEMENT = 10.0
#: How long the connections that are in use when the process ends get to finish, in seconds.
_FINISH = 5.0

#: asyncpg says nothing of its types.
Connection = Any


class Database(msgspec.Struct, frozen=True):
    """Where a database is: a URL as libpq reads it, and how many connections a process may hold.

    `pooler`: something in between lends each connection for one transaction only, so nothing can be kept in it.
    """

    url: str
    connections: int = 8
    pooler: bool = False

    def options(self) -> dict[str, Any]:
        """What opening a connection takes beside the URL."""
        options: dict[str, Any] = {"timeout": CONNECT, "command_timeout": STATEMENT}
        if self.pooler:
            return {**options, "statement_cache_size": 0}
        return {**options, "server_settings": {"application_name": APPLICATION}}

    async def connect(self) -> Connection:
        """A connection of one's own."""
        return await _parsed(asyncpg.connect(self.url, **self.options()))

    def statement(self, connection: Connection) -> AbstractAsyncContextManager[Any]:
        """What a single statement has to run in: behind a pooler even that is two messages, which must not part."""
        return connection.transaction() if self.pooler else nullcontext()


class Pool:
    """Opened by the first who needs a connection, so that a process starts while its database is away."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._pool: Any = None
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection that nobody else uses until the block ends."""
        pool = self._pool or await self._opened()
        async with _acquired(pool) as connection:
            try:
                yield connection
            except TimeoutError:
                # Nothing arrives any more, so neither would a ROLLBACK, nor the request to cancel the statement.
                connection.terminate()
                raise
            except asyncpg.ReadOnlySQLTransactionError:
                # This was the primary until a failover: none of these connections leads to the new one.
                await pool.expire_connections()
                raise

    async def close(self) -> None:
        """Let go of all connections."""
        if self._pool is not None:
            try:
                await asyncio.wait_for(self._pool.close(), _FINISH)
            except FAILED:
                self._pool.terminate()

    async def _opened(self) -> Any:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self.database.url,
                    min_size=0,
                    max_size=self.database.connections,
                    max_queries=1 << 40,
                    reset=_nothing,
                    init=admit,
                    **self.database.options(),
                )
            return self._pool


@asynccontextmanager
async def _acquired(pool: Any) -> AsyncIterator[Connection]:
    try:
        connection = await _parsed(pool.acquire(timeout=ACQUIRE))
    except TimeoutError as cause:
        if pool.get_size() == pool.get_max_size() and not pool.get_idle_size():
            raise Crowded from cause
        raise
    try:
        yield connection
    finally:
        with suppress(*FAILED):  # then it is closed, and the pool opens another
            await pool.release(connection)


async def _parsed(opening: Any) -> Any:
    """Open; a URL that cannot be read may have its password in the wrong place, so it is not said where it breaks."""
    try:
        return await opening
    except ValueError as error:
        if isinstance(error, asyncpg.ClientConfigurationError | asyncpg.DataError):
            raise
        raise asyncpg.ClientConfigurationError("is every special character of the password escaped?") from None


async def _nothing(_: object) -> None:
    """Scripts leave nothing behind in a connection, so it needs no reset, which would be a round trip."""
