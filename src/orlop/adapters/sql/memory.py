"""The catalog in SQLite's memory: one connection, used inline on the event loop, and gone with it.

Nothing else runs between the begin of a transaction and its end, so what reads sees whole transactions alone.
"""

from functools import cache
from pathlib import Path
from typing import TypeVar

import apsw

from orlop.adapters.sql.catalog import OpenCatalog, on
from orlop.adapters.sql.changes import PARTS, SharedChanges
from orlop.adapters.sql.engine import Script, Session, held
from orlop.adapters.sql.migrations.sqlite import take_steps
from orlop.adapters.sql.sqlite import SqliteSession, connect, driven, translated

T = TypeVar("T")

_MEMORY = Path(":memory:")


class MemoryEngine:
    """See engine.Engine. `connection` is open to tests that look at rows, or do damage."""

    def __init__(
        self, changes: SharedChanges, access: SharedChanges, settings: SharedChanges, queue: SharedChanges
    ) -> None:
        self._changes = changes
        self._access = access
        self._settings = settings
        self._queue = queue
        self.connection = connect(_MEMORY)
        source = apsw.Connection(str(_MEMORY))
        source.deserialize("main", _empty())
        with self.connection.backup("main", source, "main") as copy:
            copy.step()
        source.close()
        self.reader: Session = SqliteSession(self.connection)

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
        content = {self._changes.place(changes) if isinstance(changes, str) else 0} if changes else set()
        rights, rules = {0} if access else set(), {0} if settings else set()
        jobs = {0} if queue else set()
        self._changes.begin(content)
        self._access.begin(rights)
        self._settings.begin(rules)
        self._queue.begin(jobs)
        try:
            with translated():
                self.connection.execute("BEGIN")
                try:
                    outcome = driven(held(script, holding)(self.reader))
                    self.connection.execute("COMMIT")
                finally:
                    if self.connection.in_transaction:
                        self.connection.execute("ROLLBACK")
        finally:
            self._queue.end(jobs)
            self._settings.end(rules)
            self._access.end(rights)
            self._changes.end(content)
        return outcome

    async def check(self) -> None:
        await self.reader.one("totals")

    async def close(self) -> None:
        self.connection.close()
        self._changes.close()
        self._access.close()
        self._settings.close()
        self._queue.close()


def open_memory() -> OpenCatalog:
    """A new and empty catalog."""
    changes, access, settings = SharedChanges(None, PARTS), SharedChanges(None), SharedChanges(None)
    queue = SharedChanges(None)
    engine = MemoryEngine(changes, access, settings, queue)
    return on(engine, engine.reader, changes, access, settings, queue)


@cache
def _empty() -> bytes:
    """A catalog without rows: its schema is made once for a process."""
    connection = connect(_MEMORY)
    with connection:
        take_steps(connection, _MEMORY, lambda: 0)
    return connection.serialize("main")
