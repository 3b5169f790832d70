"""The tree above repositories, and the end of a repository."""

import msgspec

from orlop.adapters.sql.engine import Engine, Row, Session
from orlop.adapters.sql.hidden import trash_namespace
from orlop.adapters.sql.identity import rows
from orlop.adapters.sql.identity.accounts import ALL
from orlop.adapters.sql.identity.writing import changing, remove_grants
from orlop.adapters.sql.ledger import Ledger
from orlop.adapters.sql.records import made_namespace
from orlop.adapters.sql.settings import remove_document
from orlop.adapters.sql.trash_end import end_those_of
from orlop.domain.access import PlaceKind
from orlop.domain.events import EventKind
from orlop.domain.pages import Page, PageRequest, page_of
from orlop.ports.catalog import By
from orlop.ports.identity import DeletedNamespace, Document, Namespace, NewGrant
from orlop.ports.identity_words import in_the_way, namespace_words, refuse_stale, taken, unknown

#: After every character that names are made of.
_END = "~"


class SqlNamespaces:
    """See ports.identity.Namespaces."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def get(self, path: str) -> Namespace | None:
        row = await self._reader.one("namespace_get", path)
        return rows.namespace(row) if row else None

    async def page(self, below: str, page: PageRequest) -> Page[Namespace]:
        start, end = _below(below) if below else ("", _END)
        found = await self._reader.all("namespace_page", max(start, page.after), end, page.size + 1)
        return page_of((rows.namespace(row) for row in found), page)

    async def put(self, namespace: Namespace, by: By, *, expected: int | None = None) -> Namespace:
        path = namespace.path

        async def steps(tx: Session, ledger: Ledger) -> Namespace:
            known = await tx.one("namespace_lock", path)
            before = await _namespace(tx, path) if known is not None else None
            if before is not None and expected == 0:
                raise taken("namespace", path or "at the root")
            refuse_stale(f"namespace {path or 'at the root'}", before.version if before else 0, expected)
            words = namespace_words(before, namespace)
            if before is not None and not words:
                return before
            row_id = known[0] if known is not None else await made_namespace(tx, path, by)
            await tx.run(
                "namespace_set" if before else "namespace_set_first",
                row_id,
                path,
                namespace.visibility.value if namespace.visibility else None,
                namespace.description,
                before.version + 1 if before else 1,
            )
            ledger.event(EventKind.NAMESPACE_CHANGED, subject=path, detail=words)
            ledger.access()
            return await _namespace(tx, path)

        return await changing(self._engine, by, steps)

    async def remove(self, path: str, by: By, keep: int = 0) -> None:
        async def steps(tx: Session, ledger: Ledger) -> None:
            row = await tx.one("namespace_lock", path)
            if row is None:
                raise unknown("namespace", path)
            if not path:
                raise in_the_way("", "it is the root")
            for statement in ("namespace_below", "repository_below"):
                if await tx.one(statement, *_below(path)) is not None:
                    raise in_the_way(path, "repositories or namespaces lie below it")
            if await tx.one("trash_leaving_from", path) is not None:
                raise in_the_way(path, "a repository below it is removed or restored right now; try again in a moment")
            if await tx.one("robot_of_namespace", path) is not None:
                raise in_the_way(path, "robots belong to it")
            grants = await tx.all("grant_page_of_place", PlaceKind.NAMESPACE.value, path, 0, ALL)
            documents = [rows.document(row) for row in await tx.all("documents_of_place", path, *_below(path))]
            if keep:
                gone = _deleted(await _namespace(tx, path), documents, grants)
                await trash_namespace(tx, path, msgspec.json.encode(gone), by, keep)
            await remove_grants(tx, ledger, grants)
            for document in documents:
                await remove_document(tx, ledger, document, rights=False)
            await tx.run("namespace_unset", row[0])
            await tx.run("usage_forget", row[0])
            await tx.run("usage_days_forget", row[0])
            await tx.run("namespace_delete", row[0])
            ledger.event(EventKind.NAMESPACE_DELETED, subject=path)
            ledger.access()

        await end_those_of(self._engine, path, by)
        await changing(self._engine, by, steps, settings=True)


def _deleted(namespace: Namespace, documents: list[Document], grants: list[Row]) -> DeletedNamespace:
    made = [rows.grant(row).grant for row in grants]
    return DeletedNamespace(
        namespace.visibility,
        namespace.description,
        tuple(documents),
        tuple(
            NewGrant(
                effect=grant.effect,
                principal=grant.principal,
                role=grant.role,
                place=grant.place,
                tags=grant.tags,
                conditions=grant.conditions,
                expires_at=grant.expires_at,
            )
            for grant in made
        ),
    )


def _below(path: str) -> tuple[str, str]:
    """Between which names everything below a namespace lies: `0` comes after `/`."""
    return f"{path}/", f"{path}0"


async def _namespace(tx: Session, path: str) -> Namespace:
    row = await tx.one("namespace_get", path)
    assert row is not None
    return rows.namespace(row)
