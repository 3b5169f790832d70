"""Where followers stand, beside what they follow: cursors as rows, and what they fail at."""

from orlop.adapters.sql.engine import Engine, Session
from orlop.adapters.sql.jobs import hold
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.domain.errors import Conflict, Stale
from orlop.domain.events import EventKind
from orlop.ports.catalog import By
from orlop.ports.following import BEHIND_MAX, Follower, FollowerState, Trouble
from orlop.ports.jobs import Lease


class SqlCursors:
    """See ports.following.Cursors."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def register(self, follower: Follower) -> int:
        async def script(tx: Session) -> int:
            await tx.run("reader_register", follower.stream.value, follower.cursor)
            return await _position(tx, follower)

        return await self._engine.write(script, changes=False)

    async def position(self, follower: Follower) -> int:
        return await _position(self._reader, follower)

    async def advance(self, follower: Follower, before: int, after: int, lease: Lease) -> None:
        async def script(tx: Session) -> None:
            await moved(tx, follower, before, after, lease)

        await self._engine.write(script, durable=False, changes=False)

    async def stumble(self, follower: Follower, position: int, error: str, now: int) -> None:
        async def script(tx: Session) -> None:
            await tx.run("follower_stumble", follower.stream.value, follower.cursor, position, now, error)

        await self._engine.write(script, durable=False, changes=False)

    async def recover(self, follower: Follower) -> None:
        async def script(tx: Session) -> None:
            await tx.run("follower_recover", follower.stream.value, follower.cursor)

        await self._engine.write(script, durable=False, changes=False)

    async def state(self, follower: Follower) -> FollowerState:
        position = await _position(self._reader, follower)
        behind = await self._reader.one(f"follower_behind_{follower.stream.value}", position, BEHIND_MAX)
        assert behind is not None
        count, oldest_at = behind
        return FollowerState(follower, position, count, oldest_at, await _trouble(self._reader, follower))

    async def skip(self, follower: Follower, position: int, by: By) -> None:
        async def steps(tx: Session, ledger: Ledger) -> None:
            trouble = await _trouble(tx, follower)
            before = await _position(tx, follower)
            if trouble is None or trouble.position != position or before >= position:
                raise Conflict(f"{follower.name} does not fail at {position} any more")
            if await tx.one("follower_move", follower.stream.value, follower.cursor, before, position) is None:
                raise Conflict(f"{follower.name} goes on just now; look again")
            await tx.run("follower_recover", follower.stream.value, follower.cursor)
            ledger.event(EventKind.FOLLOWER_SKIPPED, subject=follower.name, detail=f"{position}: {trouble.error}")

        await self._engine.write(recorded(by, steps), changes=False)


async def moved(tx: Session, follower: Follower, before: int, after: int, lease: Lease) -> None:
    """Move a cursor, for the holder of a lease. Raises Stale where it is not there any more."""
    await hold(tx, lease)
    await tx.run("reader_register", follower.stream.value, follower.cursor)
    if await tx.one("follower_move", follower.stream.value, follower.cursor, before, after) is None:
        raise Stale(f"{follower.name} stands elsewhere by now")
    await tx.run("follower_recover", follower.stream.value, follower.cursor)


async def _position(session: Session, follower: Follower) -> int:
    row = await session.one("reader_get", follower.stream.value, follower.cursor)
    return int(row[0]) if row else 0


async def _trouble(session: Session, follower: Follower) -> Trouble | None:
    row = await session.one("follower_trouble", follower.stream.value, follower.cursor)
    return Trouble(*row) if row else None
