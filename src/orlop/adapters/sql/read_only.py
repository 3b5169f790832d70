"""What was told last of read-only mode, as rows."""

from orlop.adapters.sql.engine import Engine, Session
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.domain.events import EventKind
from orlop.domain.read_only import ReadOnlyCause
from orlop.ports.by import By
from orlop.ports.read_only import ReadOnlyTold


class SqlReadOnlyRecord:
    """See ports.read_only.ReadOnlyRecord."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def told(self, cause: ReadOnlyCause) -> ReadOnlyTold:
        row = await self._engine.reader.one("read_only_told", cause.value)
        return ReadOnlyTold(row[0], bool(row[1]), *row[2:]) if row is not None else ReadOnlyTold()

    async def tell(self, cause: ReadOnlyCause, before: int, reason: str, by: By) -> bool:
        async def steps(tx: Session, ledger: Ledger) -> bool:
            if not await tx.all("read_only_tell", cause.value, before, int(bool(reason)), by.at, reason):
                return False
            kind = EventKind.READ_ONLY_ON if reason else EventKind.READ_ONLY_OFF
            ledger.event(kind, subject=cause.value, detail=reason)
            return True

        return await self._engine.write(recorded(by, steps))
