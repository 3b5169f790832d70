"""The trash: what lies there, the way back, and the end of it."""

from orlop.adapters.sql import trash_plan
from orlop.adapters.sql.engine import Engine, Raced, Row, Session
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.records import (
    each,
    hold,
    lie_elsewhere,
    locked_repository,
    made_namespace,
    made_repository,
)
from orlop.adapters.sql.trash_end import end_holder, forget, remove_manifest
from orlop.adapters.sql.trash_plan import Lying, Plan
from orlop.domain.access.spans import NameSpan
from orlop.domain.digest import Digest
from orlop.domain.errors import Conflict, PageInvalid, Stale
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import Page, PageRequest, page_of
from orlop.domain.quotas import Usage
from orlop.ports.catalog import FREELY, By, Terms
from orlop.ports.trash import Asked, Restored, Trashed, TrashEntry


class SqlTrash:
    """See ports.trash.Trash. `lists`: what pages are read by."""

    def __init__(self, engine: Engine, lists: Session) -> None:
        self._engine = engine
        self._lists = lists

    async def page(self, within: NameSpan, page: PageRequest) -> Page[TrashEntry]:
        name, _, number = page.after.rpartition(":")
        if page.after and not (number.isascii() and number.isdecimal() and len(number) <= 18):
            raise PageInvalid("this list goes on after a name and a number", {"after": page.after[:64]})
        start = max((within.low, 0), (name, int(number or 0)))
        rows = await self._lists.all("trash_page", *start, within.high, page.size + 1)
        return page_of(await self._entries(rows), page)

    async def get(self, number: int) -> TrashEntry | None:
        row = await self._lists.one("trash_get", number)
        return (await self._entries([row]))[0] if row is not None else None

    async def look(self, asked: Asked) -> Restored:
        reader = self._engine.reader
        entry = await trash_plan.whole(reader, asked)
        if entry is not None:
            tags = await reader.all("repository_tags", entry[4])
            return Restored(Trashed.REPOSITORY, (), {Tag.stored(tag): Digest.stored(digest) for tag, digest in tags})
        row = await reader.one("repository_id", asked.repository)
        return (await trash_plan.plan(reader, asked, row[0] if row else None)).told()

    async def restore(self, asked: Asked, by: By, terms: Terms = FREELY, planned: Restored | None = None) -> Restored:
        async def steps(tx: Session, ledger: Ledger) -> Restored:
            entry = await trash_plan.whole(tx, asked)
            if entry is not None:
                return await _restore_repository(tx, entry, by, terms, ledger)
            return await _restore(tx, asked, by, terms, planned, ledger)

        return await self._engine.write(recorded(by, steps), changes=asked.repository, holding=terms.settings)

    async def _entries(self, rows: list[Row]) -> list[TrashEntry]:
        tags: dict[int, list[Tag]] = {}
        for entry, tag in await self._lists.all("trash_tags_of", each([row[0] for row in rows])) if rows else ():
            tags.setdefault(entry, []).append(Tag.stored(tag))
        return [_entry(row, tuple(tags.get(row[0], ()))) for row in rows]


def _entry(row: Row, tags: tuple[Tag, ...]) -> TrashEntry:
    number, name, kind, digest, size, deleted_at, deleted_by, expires_at = row
    return TrashEntry(
        number=number,
        kind=Trashed(kind),
        name=name,
        digest=Digest.stored(digest) if digest else None,
        tags=tags,
        size=size,
        deleted_at=deleted_at,
        deleted_by=deleted_by,
        expires_at=expires_at,
    )


async def _restore_repository(tx: Session, entry: Row, by: By, terms: Terms, ledger: Ledger) -> Restored:
    number, text, _, _, holder, *_ = entry
    name = RepositoryName.stored(text)
    await tx.all("repositories_lock", each([holder]))
    if await tx.one("trash_entry", number) is None:
        raise Raced  # restored or purged meanwhile
    if await tx.one("repository_id", name) is not None:
        raise Conflict(
            f"there is a repository {name} again, and it is not overwritten; restore single images into it, by tag or"
            " digest, or remove it first",
            {"name": name},
        )
    if terms.create is not None:
        raise terms.create
    tags = {Tag.stored(tag): Digest.stored(digest) for tag, digest in await tx.all("repository_tags", holder)}
    for tag, digest in tags.items():
        terms.sets(tag, None, digest)
    sizes = await tx.one("repository_sizes", holder)
    namespace = await made_namespace(tx, name.namespace, by)
    nodes = await tx.one("nodes_above", namespace)
    assert sizes is not None
    assert nodes is not None
    await tx.run("repository_rename", holder, name, namespace)
    ledger.within(name, terms.room)
    ledger.located(holder, nodes[0])
    ledger.into(holder)
    await lie_elsewhere(tx, holder, ledger, 1)
    ledger.lies(holder, 1, Usage(sizes[4], sizes[3], sizes[0], sizes[1], 1), hidden=True)
    await forget(tx, number)
    ledger.add_totals(repositories=1, manifests=sizes[1], tags=sizes[0])
    ledger.event(EventKind.REPOSITORY_CREATED, name)
    ledger.event(EventKind.TRASH_RESTORED, name, detail=f"{sizes[0]} tags, {sizes[1]} manifests")
    return Restored(Trashed.REPOSITORY, (), tags)


async def _restore(
    tx: Session, asked: Asked, by: By, terms: Terms, planned: Restored | None, ledger: Ledger
) -> Restored:
    name = asked.repository
    before = await tx.one("repository_id", name)
    plan = await trash_plan.plan(tx, asked, before[0] if before else None)
    held = await _holders(tx, plan)
    locked = {*held.values(), *([before[0]] if before else [])}
    for located in await tx.all("repositories_lock", each(sorted(locked))):
        ledger.located(*located)
    repository = await locked_repository(tx, name, ledger)
    plan = await trash_plan.plan(tx, asked, repository)
    if not plan.used <= held.keys() or not plan.holders <= set(held.values()):
        raise Raced  # what lies in the trash is another meanwhile
    if planned is not None and not plan.tags.keys() <= planned.tags.keys():
        raise Stale(f"the tags of {name} were changed meanwhile; try again", {"name": name})
    repository = await made_repository(tx, name, by, ledger, terms)
    if plan.manifests and terms.content is not None:
        raise terms.content
    for tag, digest in plan.tags.items():
        terms.sets(tag, None, digest)
    for lying in plan.manifests.values():
        await _take(tx, lying, repository, ledger)
        ledger.event(EventKind.MANIFEST_PUSHED, name, lying.digest, detail="from the trash")
    for tag, digest in plan.tags.items():
        row = await tx.one("manifest_row", repository, digest)
        assert row is not None
        await tx.run("tag_set", repository, tag, row[0], by.at, by.actor)
        await tx.run("tag_history_add", repository, tag, by.at, by.actor, digest, None)
        ledger.event(EventKind.TAG_SET, name, digest, tag)
    ledger.count(repository, tags=len(plan.tags))
    for entry in sorted(plan.used):
        await _used(tx, entry, held[entry], by, ledger)
    first = next(iter(plan.tags.values()), next(iter(plan.manifests), ""))
    ledger.event(EventKind.TRASH_RESTORED, name, first, asked.tag or "", detail=f"{len(plan.manifests)} manifests")
    return plan.told()


async def _holders(tx: Session, plan: Plan) -> dict[int, int]:
    """The hidden repository of each entry that a plan takes from or uses up; 0: there is none."""
    found = {lying.entry: lying.holder for lying in plan.manifests.values()}
    for entry in plan.used - found.keys():
        row = await tx.one("trash_entry", entry)
        if row is None:
            raise Raced
        found[entry] = row[4] or 0
    return found


async def _take(tx: Session, lying: Lying, repository: int, ledger: Ledger) -> None:
    """Move a manifest that lies by itself into a repository, or copy one out of a repository as a whole."""
    children = each([child for (child,) in await tx.all("edge_blob_children", lying.manifest)])
    linked = await tx.all("trash_links", lying.holder, children)
    there = {digest for digest, _, _ in await tx.all("trash_links", repository, children)}
    new = [row for row in linked if row[0] not in there]
    if new:
        await tx.run("trash_link_copy", repository, lying.holder, each([digest for digest, _, _ in new]))
        blobs = sorted((blob_id, size) for _, blob_id, size in new)
        await tx.all("blobs_lock", each([blob_id for blob_id, _ in blobs]))
        await hold(tx, repository, blobs, ledger)
    if there:
        await tx.run("links_tighten", repository, children)
    if lying.alone:
        await tx.run("trash_manifest_move", lying.manifest, repository)
        await tx.run("trash_edges_move", lying.manifest, repository)
        await tx.run("labels_move", lying.holder, lying.digest, repository)
    else:
        made = await tx.one("trash_manifest_copy", lying.manifest, repository)
        assert made is not None
        await tx.run("trash_edges_copy", lying.manifest, made[0], repository)
        await tx.run("annotations_copy", lying.manifest, made[0])
        await tx.run("labels_copy", lying.holder, lying.digest, repository)
    ledger.count(
        repository,
        manifests=1,
        manifest_bytes=lying.size,
        blobs=len(new),
        blob_bytes=sum(size for _, _, size in new),
    )


async def _used(tx: Session, entry: int, holder: int, by: By, ledger: Ledger) -> None:
    """Forget an entry that was restored, with what it held that had been pushed again; but not a whole repository."""
    row = await tx.one("trash_entry", entry)
    if row is None or row[2] == Trashed.REPOSITORY:
        return
    await forget(tx, entry)
    if holder:
        for manifest, _, _ in await tx.all("trash_held", holder, 2):
            await remove_manifest(tx, manifest)
        await end_holder(tx, holder, by, ledger)
