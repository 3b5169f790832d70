"""The end of what lies in the trash: it is given up, and then removed in steps that may be broken off."""

from orlop.adapters.sql.engine import Engine, Row, Session
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.records import Linked, each, unlink
from orlop.domain.access.spans import NameSpan
from orlop.domain.digest import Digest
from orlop.domain.errors import NotFound
from orlop.domain.events import EventKind
from orlop.ports.catalog import By
from orlop.ports.trash import Purged, Trashed

#: Entries that one step looks at.
_ENTRIES = 100


class SqlTrashEnd:
    """See ports.trash.TrashEnd."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def discard(self, within: NameSpan, limit: int, by: By) -> int:
        async def steps(tx: Session, ledger: Ledger) -> int:
            rows = await tx.all("trash_within", within.low, within.high, limit)
            return await _give_up(tx, [row_id for (row_id,) in rows], ledger)

        return await self._engine.write(recorded(by, steps), changes=False)

    async def discard_one(self, number: int, by: By) -> None:
        async def steps(tx: Session, ledger: Ledger) -> None:
            if not await _give_up(tx, [number], ledger):
                raise NotFound(f"there is no entry {number} in the trash")

        await self._engine.write(recorded(by, steps), changes=False)

    async def purge(self, limit: int, by: By) -> Purged:
        async def steps(tx: Session, ledger: Ledger) -> Purged:
            due = await tx.all("trash_due", by.at, _ENTRIES)
            if not due:
                return Purged(0, 0, 0)
            holders = sorted({holder for *_, holder, _ in due if holder is not None})
            for located in await tx.all("repositories_lock", each(holders)):
                ledger.located(*located)
            entries = manifests = condemned = 0
            # Once more: somebody may have restored one a moment ago.
            for row in await tx.all("trash_due_again", each([row[0] for row in due]), by.at):
                await _tell(row, ledger)
                gone, ended, without = await _purge(tx, row, limit - manifests, by, ledger)
                manifests, entries, condemned = manifests + gone, entries + ended, condemned + without
                if manifests >= limit:
                    break
            return Purged(entries, manifests, condemned)

        return await self._engine.write(recorded(by, steps), changes=False)


async def _give_up(tx: Session, numbers: list[int], ledger: Ledger) -> int:
    rows = sorted(await tx.all("trash_discard", each(numbers)))
    for _, name, kind, digest, size in rows:
        _purged(ledger, name, kind, digest, f"{size} bytes")
    return len(rows)


async def _tell(row: Row, ledger: Ledger) -> None:
    """An entry that nobody gave up expired."""
    _, name, kind, digest, _, expires_at = row
    if expires_at:
        _purged(ledger, name, kind, digest, "expired")


def _purged(ledger: Ledger, name: str, kind: str, digest: str, detail: str) -> None:
    if kind == Trashed.NAMESPACE:
        ledger.event(EventKind.TRASH_PURGED, subject=name, detail=f"{kind}, {detail}")
    else:
        ledger.event(EventKind.TRASH_PURGED, name, digest, detail=f"{kind}, {detail}")


async def _purge(tx: Session, row: Row, limit: int, by: By, ledger: Ledger) -> tuple[int, bool, int]:
    """Remove an entry, or as many manifests of it as are allowed; how many, whether it is gone, blobs condemned."""
    entry, _, _, _, holder, expires_at = row
    removed = condemned = 0
    if holder is not None:
        held = await tx.all("trash_held", holder, limit + 1)
        condemned += await _remove_manifests(tx, holder, held[:limit], by, ledger)
        removed = len(held[:limit])
        if len(held) > limit:
            if expires_at:
                await tx.all("trash_discard", each([entry]))
            return removed, False, condemned
    await forget(tx, entry)
    if holder is not None:
        condemned += await end_holder(tx, holder, by, ledger)
    return removed, True, condemned


async def _remove_manifests(tx: Session, holder: int, held: list[Row], by: By, ledger: Ledger) -> int:
    """Remove manifests of a hidden repository with the links that only they needed; how many blobs that condemns."""
    if not held:
        return 0
    named = await tx.all("trash_held_children", each([manifest for manifest, _, _ in held]))
    tags = 0
    for manifest, _, _ in held:
        tags += len(await tx.all("tags_of_manifest", manifest))
        await remove_manifest(tx, manifest)
    size = sum(length for _, _, length in held)
    ledger.count(holder, manifests=-len(held), manifest_bytes=-size, tags=-tags, hidden=True)
    links = await tx.all("trash_links_unnamed", holder, each(sorted({digest for (digest,) in named})))
    return await unlink(tx, [_linked(holder, *link) for link in links], by, ledger) if links else 0


def _linked(holder: int, digest: str, blob: int, size: int) -> Linked:
    return Linked(holder, "", Digest.stored(digest), blob, size)


async def remove_manifest(tx: Session, manifest: int) -> None:
    """Remove a manifest in the trash."""
    of_row = ("edges_delete", "tags_delete", "pulls_delete", "labels_of_row_delete", "annotations_delete")
    for statement in (*of_row, "manifest_delete"):
        await tx.run(statement, manifest)


async def end_holder(tx: Session, holder: int, by: By, ledger: Ledger) -> int:
    """Remove a hidden repository that holds no manifest any more; how many blobs are condemned thereby."""
    links = sorted(await tx.all("repository_links", holder))
    condemned = await unlink(tx, [_linked(holder, *link) for link in links], by, ledger) if links else 0
    for statement in ("history", "labels"):
        await tx.run(f"repository_delete_{statement}", holder)
    sizes = await tx.one("repository_sizes", holder)
    assert sizes is not None
    ledger.ends(holder, manifest_bytes=sizes[4], size=sizes[3])
    await tx.run("repository_delete", holder)
    return condemned


async def forget(tx: Session, entry: int) -> None:
    """Remove the row of an entry."""
    await tx.run("trash_tags_forget", entry)
    await tx.run("trash_forget", entry)
