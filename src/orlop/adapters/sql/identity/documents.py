"""Rules and settings that are kept as a whole."""

import msgspec

from orlop.adapters.sql.engine import Engine, Session
from orlop.adapters.sql.identity import rows
from orlop.adapters.sql.identity.writing import changing
from orlop.adapters.sql.ledger import Ledger
from orlop.domain.events import EventKind
from orlop.ports.catalog import By
from orlop.ports.identity import ROLE, Document
from orlop.ports.identity_words import is_named, refuse_stale, taken, unknown


class SqlDocuments:
    """See ports.identity.Documents."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def get(self, kind: str, name: str) -> Document | None:
        row = await self._reader.one("document_get", kind, name)
        return rows.document(row) if row else None

    async def all(self, kind: str) -> tuple[Document, ...]:
        return tuple(rows.document(row) for row in await self._reader.all("documents_all", kind))

    async def put(self, document: Document, by: By, *, expected: int | None = None) -> Document:
        kind, name = document.kind, document.name

        async def steps(tx: Session, ledger: Ledger) -> Document:
            row = await tx.one("document_lock", kind, name)
            before = rows.document(row) if row else None
            if before is not None and expected == 0:
                raise taken(kind, name)
            refuse_stale(f"{kind} {name}", before.version if before else 0, expected)
            if before is not None and before.body == document.body:
                return before
            made = msgspec.structs.replace(
                document, version=before.version + 1 if before else 1, changed_at=by.at, changed_by=by.actor
            )
            statement = "document_insert" if before is None else "document_update"
            await tx.run(statement, kind, name, made.body, made.version, made.changed_at, made.changed_by)
            ledger.event(EventKind.DOCUMENT_CHANGED, subject=f"{kind} {name}", detail=f"version {made.version}")
            ledger.access()
            return made

        return await changing(self._engine, by, steps)

    async def remove(self, kind: str, name: str, by: By, *, expected: int | None = None) -> None:
        async def steps(tx: Session, ledger: Ledger) -> None:
            row = await tx.one("document_lock", kind, name)
            if row is None:
                raise unknown(kind, name)
            refuse_stale(f"{kind} {name}", rows.document(row).version, expected)
            grant = await tx.one("grant_of_role", name) if kind == ROLE else None
            if grant is not None:
                raise is_named(grant[0], name)
            await tx.run("document_delete", kind, name)
            ledger.event(EventKind.DOCUMENT_DELETED, subject=f"{kind} {name}")
            ledger.access()

        await changing(self._engine, by, steps)
