"""A catalog that moves: its state, which is also its gate, and its rows as they are, ids and all."""

from collections.abc import Mapping, Sequence

from orlop.adapters.sql.engine import Engine, Row, Session
from orlop.adapters.sql.tables import TABLES
from orlop.domain.errors import TooManyRequests
from orlop.domain.moving import TRANSITIONS, Move, MoveState
from orlop.domain.pages import fitting
from orlop.ports.moving import Key

#: Tables whose rows are as large as somebody made them: no more of these are read at once than may be held.
_WEIGHED = frozenset({"manifests", "outbox", "audit", "documents", "deliveries", "delivery_attempts"})


class SqlMoves:
    """See ports.moving.Moves."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def current(self) -> Move:
        row = await self._engine.reader.one("move_get")
        assert row is not None
        return Move(MoveState(row[0]), *row[1:])

    async def change(self, before: Move, after: Move) -> None:
        assert (before.state, after.state) in TRANSITIONS, f"{before.state} to {after.state}"

        async def script(tx: Session) -> None:
            new = (after.state.value, after.id, after.run, after.other, after.peer, after.blobs)
            if await tx.one("move_set", *new, before.state.value, before.id, before.run) is None:
                raise _overtaken()
            if after.gate != before.gate:
                await tx.run("gate_set", after.gate)

        await self._engine.write(script)


class SqlRows:
    """See ports.moving.CatalogRows and CatalogRenewal."""

    tables: Mapping[str, Key] = {name: table.start for name, table in TABLES.items()}

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def page(self, table: str, after: Key, limit: int) -> list[Row]:
        if table in _WEIGHED:
            limit = fitting(held for (held,) in await self._engine.reader.all(f"weigh_{table}", *after, limit))
        return [tuple(row) for row in await self._engine.reader.all(f"rows_{table}", *after, limit)]

    async def add(self, table: str, rows: Sequence[Row], move: Move) -> None:
        async def script(tx: Session) -> None:
            await _hold(tx, move)
            await tx.many(f"row_{table}", rows)

        await self._engine.write(script)

    async def last(self, table: str) -> Key:
        row = await self._engine.reader.one(f"last_{table}")
        return tuple(row) if row is not None else TABLES[table].start

    async def count(self, table: str) -> int:
        return int((await self._engine.reader.all(f"inspect_count_{table}"))[0][0])

    async def clear(self, move: Move) -> None:
        async def script(tx: Session) -> None:
            await _hold(tx, move)
            await tx.run("clear_totals")
            for table in ("uploads", "rates", "replicas", *reversed(TABLES)):
                await tx.all(f"clear_{table}")

        await self._engine.write(script)

    async def end_uploads(self, move: Move) -> None:
        async def script(tx: Session) -> None:
            await _hold(tx, move)
            await tx.all("clear_uploads")

        await self._engine.write(script)

    async def settle(self, sizes: Sequence[int], move: Move) -> None:
        async def script(tx: Session) -> None:
            await _hold(tx, move)
            await tx.one("ids_settle")
            await tx.run("clear_totals")
            await tx.run("totals_add", *sizes)

        await self._engine.write(script)


async def _hold(tx: Session, move: Move) -> None:
    if await tx.one("move_held", move.state.value, move.id, move.run) is None:
        raise _overtaken()


def _overtaken() -> TooManyRequests:
    return TooManyRequests("another run of the move has taken over, or it was given up; this one changes nothing more")
