"""Settings: documents by kind, path and name."""

import msgspec

from orlop.adapters.sql.engine import Engine, Session, settings_version
from orlop.adapters.sql.identity import rows
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.records import each
from orlop.adapters.sql.settings_ends import next_of
from orlop.domain.events import EventKind
from orlop.domain.names import lineage
from orlop.domain.pages import Page, PageRequest, page_of
from orlop.domain.scanning.scanner import SCANNERS
from orlop.domain.upstreams.upstream import UPSTREAMS
from orlop.domain.webhooks.hook import WEBHOOKS
from orlop.ports.catalog import By
from orlop.ports.identity_words import is_named, refuse_stale, taken, unknown
from orlop.ports.settings import ROLE, Document


class SqlDocuments:
    """See ports.settings.Documents."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def get(self, kind: str, name: str, path: str = "") -> Document | None:
        row = await self._reader.one("document_get", kind, path, name)
        return rows.document(row) if row else None

    async def all(self, kind: str) -> tuple[Document, ...]:
        return tuple(rows.document(row) for row in await self._reader.all("documents_all", kind))

    async def page(self, kind: str, page: PageRequest, path: str | None = None) -> Page[Document]:
        where, _, name = page.after.rpartition(":")
        if path is None:
            found = await self._reader.all("documents_page", kind, where, name, page.size + 1)
        else:
            found = await self._reader.all("documents_page_of_path", kind, path, name, page.size + 1)
        return page_of(map(rows.document, found), page)

    async def covering(self, kind: str, path: str) -> tuple[Document, ...]:
        found = await self._reader.all("documents_covering", kind, each(lineage(path)))
        return tuple(rows.document(row) for row in found)

    async def paths(self, kind: str, most: int) -> tuple[str, ...]:
        return tuple(path for (path,) in await self._reader.all("documents_paths", kind, most))

    async def version(self) -> int:
        return await settings_version(self._reader)

    async def put(self, document: Document, by: By, *, expected: int | None = None, rights: bool = True) -> Document:
        kind, path, name = document.kind, document.path, document.name

        async def steps(tx: Session, ledger: Ledger) -> Document:
            row = await tx.one("document_lock", kind, path, name)
            before = rows.document(row) if row else None
            if before is not None and expected == 0:
                raise taken(kind, name)
            refuse_stale(f"{kind} {name}", before.version if before else 0, expected)
            if before is not None and before.body == document.body:
                return before
            made = msgspec.structs.replace(
                document, version=before.version + 1 if before else 1, changed_at=by.at, changed_by=by.actor
            )
            row = kind, path, name, made.body, made.version, made.changed_at, made.changed_by
            if before is None:
                new = await tx.one("document_insert", *row)
                assert new is not None
                made = msgspec.structs.replace(made, made=new[0])
            else:
                await tx.run("document_update", *row)
                made = msgspec.structs.replace(made, made=before.made)
            if made.ends is not None:
                await tx.run("ends_set", kind, path, name, *next_of(made.ends, by.at))
            ledger.event(EventKind.DOCUMENT_CHANGED, path, subject=f"{kind} {name}", detail=f"version {made.version}")
            ledger.setting(rights=rights)
            return made

        return await self._engine.write(recorded(by, steps), changes=False, access=rights, settings=True)

    async def remove(
        self, kind: str, name: str, by: By, *, path: str = "", expected: int | None = None, rights: bool = True
    ) -> None:
        async def steps(tx: Session, ledger: Ledger) -> None:
            row = await tx.one("document_lock", kind, path, name)
            if row is None:
                raise unknown(kind, name)
            refuse_stale(f"{kind} {name}", rows.document(row).version, expected)
            grant = await tx.one("grant_of_role", name) if kind == ROLE else None
            if grant is not None:
                raise is_named(grant[0], name)
            await remove_document(tx, ledger, rows.document(row), rights=rights)

        await self._engine.write(recorded(by, steps), changes=False, access=rights, settings=True)


async def remove_document(tx: Session, ledger: Ledger, document: Document, *, rights: bool) -> None:
    """Remove a document that is locked, or that nobody else can reach any more."""
    await tx.run("document_delete", document.kind, document.path, document.name)
    if document.kind == WEBHOOKS.kind:
        await tx.run("webhook_health_forget", document.identity)
    if document.kind == UPSTREAMS.kind:
        await tx.run("upstream_state_forget", document.identity)
    if document.kind == SCANNERS.kind:
        await tx.run("scanner_state_forget", document.identity)
    ledger.event(EventKind.DOCUMENT_DELETED, document.path, subject=f"{document.kind} {document.name}")
    ledger.setting(rights=rights)
