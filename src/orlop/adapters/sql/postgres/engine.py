"""The PostgreSQL engine: scripts as transactions at READ COMMITTED, with the locks that their statements name.

The order of locks, which no script may leave:

0. the lease of a backup, where copies are about to be removed;
1. the row of an upload, where one ends;
2. the row of each repository whose manifests, tags or links change, made first where it is new;
3. the rows of blobs that are linked, unlinked or change their state, in the order of their ids; with these the rows
   that say how many repositories below a node hold them;
4. the guards of quotas, in the order of their paths, see `room`;
5. a row of the usage of each node, in the order of their ids;
6. the version of who may do what, where that changes;
7. the version of the queue, where that changes; who takes jobs locks it first, and passes over jobs that are locked;
8. a row of the totals, as the last statement of the script;
9. the version of what is known of images, where that changes;
10. with COMMIT, the lock of all settings: shared where terms were made from them. A change of a setting takes it
   alone, after everything else.

Of what says who may do what: groups in the order of their ids, the account that it is about, then the role. Namespaces
are locked alone.

What rests on a row is checked after the row is locked. Every script looks before it inserts, so a row that is there all
the same came in between: then, as after a deadlock, the whole script is run again.
"""

import asyncio
from contextlib import suppress
from typing import Any, TypeVar

import asyncpg

from orlop.adapters.sql.engine import Script, Session
from orlop.adapters.sql.postgres.changes import PostgresChanges
from orlop.adapters.sql.postgres.connections import Connection, Pool
from orlop.adapters.sql.postgres.failures import FAILED, Trouble, have_settings_moved, is_shut, trouble
from orlop.adapters.sql.postgres.patience import Surroundings, patiently
from orlop.adapters.sql.postgres.session import PostgresReader, PostgresSession
from orlop.adapters.sql.postgres.watch import Watch
from orlop.adapters.sql.statements import POSTGRES
from orlop.domain.errors import SettingsMoved, StoreClosed
from orlop.ports.events import KNOWN_OF_IMAGES

T = TypeVar("T")

#: In one message. A process that went without a word must not keep its locks, nor anybody wait for them for ever.
_BEGIN = """\
BEGIN ISOLATION LEVEL READ COMMITTED;
SET LOCAL lock_timeout = '5s';
SET LOCAL idle_in_transaction_session_timeout = '30s'"""
_BEGIN_RELAXED = f"{_BEGIN}; SET LOCAL synchronous_commit = off"


class _Unanswered(Exception):
    """The connection was lost on COMMIT: the script may have taken effect."""

    def __init__(self, key: str, outcome: Any, cause: BaseException) -> None:
        super().__init__(key)
        self.key = key
        self.outcome = outcome
        self.cause = cause


class PostgresEngine:
    """See engine.Engine. Answers may be remembered once it was started. `changes` counts what changes content, `known`
    what changes what is known of images, `access` what changes who may do what.

    `ticket` is what its writers leave with their keys, for the gate of a catalog that moves (domain.moving).
    """

    def __init__(
        self,
        pool: Pool,
        replica: Pool | None,
        changes: PostgresChanges,
        known: PostgresChanges,
        access: PostgresChanges,
        settings: PostgresChanges,
        queue: PostgresChanges,
        surroundings: Surroundings,
        ticket: str = "",
    ) -> None:
        self._pool = pool
        self._replica = replica
        self._changes = changes
        self._known = known
        self._access = access
        self._settings = settings
        self._queue = queue
        self._surroundings = surroundings
        self._ticket = ticket.replace("'", "''")
        self._watch = Watch(pool.database, changes, known, access, settings, queue, surroundings)
        self._watching: asyncio.Task[None] | None = None
        self._writing: set[asyncio.Task[Any]] = set()
        self.reader: Session = PostgresReader(pool, surroundings)
        self.lists: Session = PostgresReader(replica, surroundings) if replica else self.reader

    def start(self) -> None:
        """Watch for what others change; needs a running event loop."""
        self._watching = asyncio.create_task(self._watch.run())

    async def write(
        self,
        script: Script[T],
        *,
        durable: bool = True,
        changes: bool | str = True,
        access: bool = False,
        settings: bool = False,
        holding: int = 0,
        queue: bool = False,
    ) -> T:
        # A client that goes away takes nothing back: its transaction goes on to its end.
        task = asyncio.create_task(
            self._write(
                script,
                durable=durable,
                changes=changes,
                access=access,
                settings=settings,
                holding=holding,
                queue=queue,
            )
        )
        self._writing.add(task)
        task.add_done_callback(self._written)
        return await asyncio.shield(task)

    async def check(self) -> None:
        async def touch(session: Session) -> None:
            await session.run("totals_add", 0, 0, 0, 0, 0)

        await self.write(touch, durable=False, changes=False)

    async def close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait({self._watching})
        if self._writing:
            await asyncio.wait(self._writing)
        await self._pool.close()
        if self._replica is not None:
            await self._replica.close()

    def _written(self, task: asyncio.Task[Any]) -> None:
        self._writing.discard(task)
        if not task.cancelled():
            task.exception()  # who waited was told; where nobody does any more, it is no news

    async def _write(
        self,
        script: Script[T],
        *,
        durable: bool,
        changes: bool | str,
        access: bool,
        settings: bool,
        holding: int,
        queue: bool,
    ) -> T:
        known = changes == KNOWN_OF_IMAGES
        if known:
            script = _known_of_images(script)

        async def attempt() -> T:
            try:
                async with self._pool.connection() as connection:
                    return await self._transact(connection, script, _BEGIN if durable else _BEGIN_RELAXED, holding)
            except _Unanswered as unanswered:
                if await self._was_committed(unanswered.key):
                    outcome: T = unanswered.outcome
                    return outcome
                raise unanswered.cause from None

        try:
            return await patiently(self._surroundings, attempt)
        finally:
            if known:
                self._known.moved()
            elif changes:
                self._changes.moved()
            if access:
                self._access.moved()
            if settings:
                self._settings.moved()
            if queue:
                self._queue.moved()

    async def _transact(self, connection: Connection, script: Script[T], begin: str, holding: int) -> T:
        hold = f"SELECT orlop_settings_hold({holding}); " if holding else ""
        key = self._surroundings.new_id()
        try:
            await connection.execute(begin)
            outcome = await script(PostgresSession(connection))
        except TimeoutError:  # see Pool.connection, which drops it
            raise
        except BaseException:
            await _roll_back(connection)
            raise
        try:
            await connection.execute(
                f"{hold}INSERT INTO commits (key, ticket) VALUES ('{key}', '{self._ticket}'); COMMIT"  # noqa: S608 - all ours
            )
        except FAILED as cause:
            if trouble(cause) is Trouble.AWAY:
                _let_go(connection)
                raise _Unanswered(key, outcome, cause) from cause
            await _roll_back(connection)
            if is_shut(cause):
                raise StoreClosed from cause
            if have_settings_moved(cause):
                raise SettingsMoved from cause
            raise
        return outcome

    async def _was_committed(self, key: str) -> bool:
        """Whether the transaction that was to leave `key` did. If not, it never will: its key is taken now.

        While that transaction still runs in a server process that has not noticed, this waits for it.
        """

        async def attempt() -> bool:
            async with self._pool.connection() as connection:
                async with self._pool.database.statement(connection):
                    await connection.execute(POSTGRES["commit_abandon"], key)
                async with self._pool.database.statement(connection):
                    return not await connection.fetchval(POSTGRES["commit_abandoned"], key)

        return await patiently(
            self._surroundings, attempt, "whether the change was made is not known, and making it again does no harm"
        )


def _known_of_images(script: Script[T]) -> Script[T]:
    """The same, so that other replicas see that something else is known of images."""

    async def told(session: Session) -> T:
        outcome = await script(session)
        await session.run("known_moved")
        return outcome

    return told


async def _roll_back(connection: Connection) -> None:
    try:
        if not connection.is_closed():
            await connection.execute("ROLLBACK")
    except FAILED:
        _let_go(connection)


def _let_go(connection: Connection) -> None:
    """Without a word of its own: the pool takes a connection back that was lost, and then there is nothing to end. What
    is raised instead would hide that nobody knows whether the transaction was committed."""
    with suppress(asyncpg.InterfaceError):
        connection.terminate()
