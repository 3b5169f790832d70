"""The servers on a catalog, in rows."""

from orlop.adapters.sql.engine import Engine
from orlop.adapters.sql.engine import Session as Tx
from orlop.ports.replicas import Replica


class SqlReplicas:
    """See ports.replicas.Replicas."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def seen(self, replica: Replica, forgotten: int) -> None:
        async def script(tx: Tx) -> None:
            await tx.run(
                "replica_seen",
                *(replica.id, replica.host, replica.version, replica.workers, replica.started_at, replica.seen_at),
            )
            await tx.run("replicas_forget", forgotten)

        await self._engine.write(script, durable=False, changes=False)

    async def left(self, replica: str) -> None:
        async def script(tx: Tx) -> None:
            await tx.run("replica_left", replica)

        await self._engine.write(script, durable=False, changes=False)

    async def since(self, moment: int, limit: int) -> list[Replica]:
        return [Replica(*row) for row in await self._engine.reader.all("replicas_since", moment, limit)]

    async def schema(self) -> int:
        row = await self._engine.reader.one("schema_taken")
        assert row is not None, "an aggregate gives a row"
        return int(row[0])
