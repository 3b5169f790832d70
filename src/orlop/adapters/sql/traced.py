"""A database whose statements are spans, by their names and without what they are asked."""

from collections.abc import Sequence
from typing import Any, TypeVar

from orlop.adapters.sql.engine import Engine, Row, Script, Session
from orlop.telemetry.tracing import SpanKind, Tracer

T = TypeVar("T")


class TracedSession:
    """See engine.Session."""

    def __init__(self, session: Session, tracer: Tracer) -> None:
        self._session = session
        self._tracer = tracer

    async def one(self, statement: str, *parameters: Any) -> Row | None:
        with self._tracer.within(f"catalog {statement}", SpanKind.CLIENT):
            return await self._session.one(statement, *parameters)

    async def all(self, statement: str, *parameters: Any) -> list[Row]:
        with self._tracer.within(f"catalog {statement}", SpanKind.CLIENT):
            return await self._session.all(statement, *parameters)

    async def run(self, statement: str, *parameters: Any) -> None:
        with self._tracer.within(f"catalog {statement}", SpanKind.CLIENT):
            await self._session.run(statement, *parameters)

    async def many(self, statement: str, rows: Sequence[Row]) -> None:
        with self._tracer.within(f"catalog {statement}", SpanKind.CLIENT):
            await self._session.many(statement, rows)


class TracedEngine:
    """See engine.Engine. A transaction is one span, in which it waits for its turn, too."""

    def __init__(self, engine: Engine, tracer: Tracer) -> None:
        self._engine = engine
        self._tracer = tracer
        self.reader: Session = TracedSession(engine.reader, tracer)

    async def write(self, script: Script[T], **how: Any) -> T:
        with self._tracer.within("catalog write", SpanKind.CLIENT):
            return await self._engine.write(script, **how)

    async def check(self) -> None:
        await self._engine.check()

    async def close(self) -> None:
        await self._engine.close()
