"""The end of what lies in the trash: it is given up, and then removed in steps that may be broken off."""

from orlop.adapters.sql.engine import Engine, Row, Session
from orlop.adapters.sql.leaving import STEP, leave, leave_all, leaving, returns
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.records import Linked, each, unlink
from orlop.domain.access.spans import NameSpan
from orlop.domain.counts import counted
from orlop.domain.digest import Digest
from orlop.domain.errors import NotFound
from orlop.domain.events import EventKind
from orlop.ports.catalog import By
from orlop.ports.trash import Purged, Trashed

#: Entries that one step looks at.
_ENTRIES = 100

#: What removes a manifest and all that is about it.
_OF_A_MANIFEST = (
    *("edges_delete", "tags_delete", "pulls_delete", "labels_of_row_delete", "annotations_delete"),
    "manifest_delete",
)


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
        for entry, holder in await leaving(self._engine.reader, by.at, 1):

            async def further(tx: Session, ledger: Ledger, entry: int = entry, holder: int = holder) -> None:
                await leave(tx, entry, holder, by, ledger, by.at, limit=limit)

            await self._engine.write(recorded(by, further), changes=False)
            return Purged(0, 0, 0, begun=True)

        async def steps(tx: Session, ledger: Ledger) -> Purged:
            due = await tx.all("trash_due", by.at, _ENTRIES)
            if not due:
                return Purged(0, 0, 0)
            await _lock(tx, {holder for *_, holder, _ in due if holder is not None}, ledger)
            entries = manifests = condemned = 0
            begun = False
            # Once more: somebody may have restored one a moment ago.
            for row in await tx.all("trash_due_again", each([row[0] for row in due]), by.at):
                await _tell(row, ledger)
                gone, ended, without = await _purge(tx, row, limit - manifests, by, ledger)
                manifests, entries, condemned = manifests + gone, entries + ended, condemned + without
                begun = not ended
                if begun or manifests >= limit:
                    break
            return Purged(entries, manifests, condemned, begun)

        return await self._engine.write(recorded(by, steps), changes=False)


async def end_entry(tx: Session, entry: int, holder: int, by: By, ledger: Ledger) -> bool:
    """A step of the removal of an entry that was given up, whose hidden repository is `holder`; whether it is gone."""
    await _lock(tx, {holder}, ledger)
    for row in await tx.all("trash_due_again", each([entry]), by.at):
        if row[4] != holder:
            break
        _, ended, _ = await _purge(tx, row, STEP, by, ledger)
        return ended
    return True


async def end_all(engine: Engine, entry: int, holder: int, by: By) -> None:
    """Every step of it that is left."""

    async def steps(tx: Session, ledger: Ledger) -> bool:
        return await end_entry(tx, entry, holder, by, ledger)

    while not await engine.write(recorded(by, steps), changes=False):
        pass


async def end_those_of(engine: Engine, path: str, by: By) -> None:
    """Have the repositories that were removed from a namespace leave it."""
    while (row := await engine.reader.one("trash_leaving_from", path)) is not None:
        entry, holder, expires_at, left_to, returns_until = row
        if returns(returns_until, by.at):
            return
        await (end_all if not expires_at and not left_to else leave_all)(engine, entry, holder, by)


async def _lock(tx: Session, holders: set[int], ledger: Ledger) -> None:
    for located in await tx.all("repositories_lock", each(sorted(holders))):
        ledger.located(*located)


async def _give_up(tx: Session, numbers: list[int], ledger: Ledger) -> int:
    rows = sorted(await tx.all("trash_discard", each(numbers)))
    for _, name, kind, digest, size in rows:
        _purged(ledger, name, kind, digest, counted(size, "byte"))
    return len(rows)


async def _tell(row: Row, ledger: Ledger) -> None:
    """An entry that nobody gave up expired."""
    _, name, kind, digest, _, expires_at, _ = row
    if expires_at:
        _purged(ledger, name, kind, digest, "expired")


def _purged(ledger: Ledger, name: str, kind: str, digest: str, detail: str) -> None:
    if kind == Trashed.NAMESPACE:
        ledger.event(EventKind.TRASH_PURGED, subject=name, detail=f"{kind}, {detail}")
    else:
        ledger.event(EventKind.TRASH_PURGED, name, digest, detail=f"{kind}, {detail}")


async def _purge(tx: Session, row: Row, limit: int, by: By, ledger: Ledger) -> tuple[int, bool, int]:
    """Remove an entry, or as much of it as is allowed; how many manifests, whether it is gone, blobs condemned."""
    entry, name, _, _, holder, expires_at, left_to = row
    removed = condemned = 0
    if holder is not None:
        # One that never left its namespace was removed there, and those who hear of it are told of each blob.
        told = name if left_to is not None else ""
        held = await tx.all("trash_held", holder, limit + 1)
        condemned += await _remove_manifests(tx, holder, told, held[:limit], by, ledger)
        removed = len(held[:limit])
        if len(held) <= limit:
            is_empty, without = await _remove_rest(tx, holder, told, limit - removed, by, ledger)
            condemned += without
        if len(held) > limit or not is_empty:
            if expires_at:
                await tx.all("trash_discard", each([entry]))
            return removed, False, condemned
    await forget(tx, entry)
    if holder is not None:
        await end_holder(tx, holder, by, ledger)
    return removed, True, condemned


async def _remove_manifests(tx: Session, holder: int, told: str, held: list[Row], by: By, ledger: Ledger) -> int:
    """Remove manifests of a hidden repository with the links that only they needed; how many blobs that condemns."""
    if not held:
        return 0
    rows = each([manifest for manifest, _, _ in held])
    named = await tx.all("trash_held_children", rows)
    tags = await tx.one("trash_held_tags", rows)
    assert tags is not None
    for statement in _OF_A_MANIFEST:
        await tx.many(statement, [(manifest,) for manifest, _, _ in held])
    size = sum(length for _, _, length in held)
    ledger.count(holder, manifests=-len(held), manifest_bytes=-size, tags=-tags[0], hidden=True)
    links = await tx.all("trash_links_unnamed", holder, each(sorted({digest for (digest,) in named})))
    return await unlink(tx, [_linked(holder, told, *link) for link in links], by, ledger) if links else 0


async def _remove_rest(tx: Session, holder: int, told: str, limit: int, by: By, ledger: Ledger) -> tuple[bool, int]:
    """Remove links that no manifest named, and history, of a hidden repository without manifests; whether all of it is
    gone, and how many blobs that condemns."""
    links = await tx.all("trash_links_left", holder, limit) if limit else []
    condemned = await unlink(tx, [_linked(holder, told, *link) for link in links], by, ledger) if links else 0
    left = limit - len(links)
    history = await tx.all("trash_history_drop", holder, left) if left else []
    return len(history) < left, condemned


def _linked(holder: int, name: str, digest: str, blob: int, size: int) -> Linked:
    return Linked(holder, name, Digest.stored(digest), blob, size)


async def remove_manifest(tx: Session, manifest: int) -> None:
    """Remove a manifest in the trash."""
    for statement in _OF_A_MANIFEST:
        await tx.run(statement, manifest)


async def end_holder(tx: Session, holder: int, by: By, ledger: Ledger) -> None:
    """Remove a hidden repository that holds no manifest any more, and what is left in it."""
    links = sorted(await tx.all("repository_links", holder))
    if links:
        await unlink(tx, [_linked(holder, "", *link) for link in links], by, ledger)
    for statement in ("history", "labels"):
        await tx.run(f"repository_delete_{statement}", holder)
    sizes = await tx.one("repository_sizes", holder)
    assert sizes is not None
    ledger.ends(holder, manifest_bytes=sizes[4], size=sizes[3])
    await tx.run("repository_delete", holder)


async def forget(tx: Session, entry: int) -> None:
    """Remove the row of an entry."""
    await tx.run("trash_tags_forget", entry)
    await tx.run("trash_forget", entry)
