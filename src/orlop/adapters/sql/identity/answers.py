"""Answers that are given again to a request that is sent again."""

from orlop.adapters.sql.engine import Engine
from orlop.adapters.sql.engine import Session as Tx
from orlop.ports.idempotency import Kept


class SqlKeptAnswers:
    """See ports.idempotency.KeptAnswers."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def begin(self, account: int, key: str, fingerprint: str, at: int, *, abandoned_before: int) -> Kept | None:
        async def script(tx: Tx) -> Kept | None:
            if await tx.one("answer_begin", account, key, fingerprint, at, abandoned_before) is not None:
                return None
            row = await tx.one("answer_get", account, key)
            assert row is not None
            return Kept(row[0], row[1], None if row[2] is None else bytes(row[2]))

        return await self._engine.write(script, changes=False)

    async def finish(self, account: int, key: str, answer: bytes | None) -> None:
        async def script(tx: Tx) -> None:
            if answer is None:
                await tx.run("answer_drop", account, key)
            else:
                await tx.run("answer_finish", account, key, answer)

        await self._engine.write(script, changes=False)

    async def forget(self, begun_before: int) -> None:
        async def script(tx: Tx) -> None:
            await tx.run("answers_forget", begun_before)

        await self._engine.write(script, durable=False, changes=False)
