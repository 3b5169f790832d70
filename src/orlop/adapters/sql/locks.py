"""Locks on manifests, and what the deletion of a locked one is refused with."""

from orlop.adapters.sql.engine import Engine, Row, Session
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.records import existing_repository, locked_repository
from orlop.domain.digest import Digest
from orlop.domain.errors import Conflict, Denied, ManifestUnknown, NotFound
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName
from orlop.domain.pages import Page, PageRequest, page_of
from orlop.ports.catalog import By
from orlop.ports.locks import Lock


class SqlLocks:
    """See ports.locks.Locks. `lists`: what pages are read by."""

    def __init__(self, engine: Engine, lists: Session) -> None:
        self._engine = engine
        self._lists = lists

    async def add(self, repository: RepositoryName, digest: Digest, reason: str, by: By) -> None:
        async def steps(tx: Session, ledger: Ledger) -> None:
            row_id = await locked_repository(tx, repository)
            if row_id is None or await tx.one("manifest_row", row_id, digest) is None:
                raise ManifestUnknown(f"{repository} holds no manifest {digest}", {"reference": digest})
            known = await tx.one("lock_get", row_id, digest)
            if known is not None:
                raise Conflict(f"the manifest {digest} of {repository} is locked already: {known[1]}")
            await tx.run("lock_add", row_id, digest, reason, by.at, by.actor)
            ledger.event(EventKind.LOCK_ADDED, repository, digest, detail=reason)

        await self._engine.write(recorded(by, steps), changes=False)

    async def lift(self, repository: RepositoryName, digest: Digest, reason: str, by: By) -> None:
        async def steps(tx: Session, ledger: Ledger) -> None:
            row_id = await locked_repository(tx, repository)
            if row_id is None or await tx.one("lock_get", row_id, digest) is None:
                raise NotFound(f"there is no lock on {digest} in {repository}", {"digest": digest})
            await tx.run("lock_delete", row_id, digest)
            ledger.event(EventKind.LOCK_LIFTED, repository, digest, detail=reason)

        await self._engine.write(recorded(by, steps), changes=False)

    async def page(self, repository: RepositoryName, page: PageRequest) -> Page[Lock]:
        row_id = await existing_repository(self._lists, repository)
        rows = await self._lists.all("lock_page", row_id, page.after, page.size + 1)
        return page_of((_lock(row) for row in rows), page)


async def refuse_locked(tx: Session, name: RepositoryName, repository: int, digest: Digest | None = None) -> None:
    """Raises Denied where a manifest of a locked repository has a lock; without a digest: where any has."""
    found = await (tx.one("lock_get", repository, digest) if digest else tx.one("lock_first", repository))
    if found is not None:
        lock = _lock(found)
        raise Denied(
            f"the manifest {lock.digest} of {name} is locked, and nobody deletes it: {lock.reason};"
            " whoever administers the repository may lift that with orlop lock rm",
            {"digest": lock.digest, "reason": lock.reason},
        )


def _lock(row: Row) -> Lock:
    return Lock(Digest.stored(row[0]), *row[1:])
