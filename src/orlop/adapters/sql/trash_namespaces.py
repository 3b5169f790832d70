"""Namespaces that were deleted, as documents of what they had."""

from orlop.adapters.sql.engine import Engine, Session
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.trash_end import forget
from orlop.domain.errors import NotFound
from orlop.domain.events import EventKind
from orlop.ports.catalog import By


class SqlNamespaceTrash:
    """See ports.trash.NamespaceTrash."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def newest(self, path: str) -> tuple[int, bytes] | None:
        row = await self._reader.one("trash_whole", f"{path}/")
        return (int(row[0]), bytes(row[6])) if row is not None else None

    async def restored(self, number: int, by: By) -> None:
        async def steps(tx: Session, ledger: Ledger) -> None:
            row = await tx.one("trash_entry", number)
            if row is None:
                raise NotFound(f"there is no entry {number} in the trash")
            await forget(tx, number)
            ledger.event(EventKind.TRASH_RESTORED, subject=row[1])

        await self._engine.write(recorded(by, steps), changes=False)
