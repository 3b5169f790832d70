"""The way back of an image out of the trash, with what it lists and what refers to it.

Up to some hundred manifests come back in one transaction, whole. Of more, those come first that nothing needs which is
still away, by some hundreds, and what was asked for comes last, with its tags: broken off, it is asked for again.
"""

import asyncio

from orlop.adapters.sql import trash_plan
from orlop.adapters.sql.engine import Engine, Raced, Session
from orlop.adapters.sql.leaving import STEP
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.pointing import point_tag
from orlop.adapters.sql.quarantining import waits_there
from orlop.adapters.sql.records import each, hold, locked_repository, made_repository
from orlop.adapters.sql.trash_end import end_holder, forget, remove_manifest
from orlop.adapters.sql.trash_plan import Lying, Plan
from orlop.domain.counts import counted
from orlop.domain.digest import Digest
from orlop.domain.errors import Stale
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName, Tag
from orlop.ports.catalog import By, Terms
from orlop.ports.trash import Asked, Restored, Trashed


async def restore_image(engine: Engine, asked: Asked, by: By, terms: Terms, planned: Restored | None) -> Restored:
    """See ports.trash.Trash.restore."""
    name = asked.repository
    row = await engine.reader.one("repository_id", name)
    plan = await trash_plan.plan(engine.reader, asked, row[0] if row else None, asyncio.sleep)
    before = plan.before_the_last(STEP)
    if before:
        _refuse(plan, terms, row is None)

    async def last(tx: Session, ledger: Ledger) -> Restored:
        return await _restore(tx, asked, by, terms, planned, len(plan.manifests), ledger)

    for part in before:

        async def some(tx: Session, ledger: Ledger, part: Plan = part) -> None:
            await _restore_part(tx, name, part, plan.entry, by, terms, ledger)

        await engine.write(recorded(by, some), changes=name, holding=terms.settings)
    restored = await engine.write(recorded(by, last), changes=name, holding=terms.settings)
    return plan.told() if before else restored


def _refuse(plan: Plan, terms: Terms, is_new: bool) -> None:
    """Raises what a restoration is refused with, as far as can be told before it begins."""
    if is_new and terms.create is not None:
        raise terms.create
    if terms.content is not None:
        raise terms.content
    for tag, digest in plan.tags.items():
        terms.sets(tag, None, digest)


async def _restore(
    tx: Session, asked: Asked, by: By, terms: Terms, planned: Restored | None, manifests: int, ledger: Ledger
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
        await _set(tx, repository, name, tag, digest, by, ledger)
    for entry in sorted(plan.used):
        await _used(tx, entry, held[entry], by, ledger)
    await tx.run("trash_restored", name, plan.entry, plan.root)
    first = next(iter(plan.tags.values()), next(iter(plan.manifests), ""))
    ledger.event(
        EventKind.TRASH_RESTORED,
        name,
        first,
        asked.tag or "",
        detail=counted(max(manifests, len(plan.manifests)), "manifest"),
    )
    return plan.told()


async def _restore_part(
    tx: Session, name: RepositoryName, part: Plan, whole: int, by: By, terms: Terms, ledger: Ledger
) -> None:
    """Put some manifests back, unless they are there by now, and note that the image of the entry `whole` is not whole
    yet. Raises Stale where one is not where it was."""
    before = await tx.one("repository_id", name)
    locked = part.holders | ({before[0]} if before else set())
    for located in await tx.all("repositories_lock", each(sorted(locked))):
        ledger.located(*located)
    repository = await made_repository(tx, name, by, ledger, terms)
    await tx.run("trash_restoring", whole, by.at)
    for digest, lying in part.manifests.items():
        if await tx.one("manifest_row", repository, digest) is not None:
            continue
        entry = await tx.one("trash_entry", lying.entry)
        there = await tx.one("manifest_row", lying.holder, digest)
        if entry is None or entry[4] != lying.holder or there is None or there[0] != lying.manifest:
            raise Stale(f"what {name} has in the trash was changed meanwhile; try again", {"name": name})
        await _take(tx, lying, repository, ledger)
        ledger.event(EventKind.MANIFEST_PUSHED, name, digest, detail="from the trash")
        if lying.alone:
            await _used(tx, lying.entry, lying.holder, by, ledger)
    for tag, digest in part.tags.items():
        if await tx.one("tag_target", repository, tag) is None:
            await _set(tx, repository, name, tag, digest, by, ledger)


async def _set(
    tx: Session, repository: int, name: RepositoryName, tag: Tag, digest: Digest, by: By, ledger: Ledger
) -> None:
    """Raises Conflict where what it points at was pushed again, and waits in quarantine."""
    row = await tx.one("manifest_row", repository, digest)
    assert row is not None
    if row[3]:
        raise waits_there(name, digest)
    await point_tag(tx, repository, name, row[0], digest, tag, None, by, ledger)


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
        await tx.run("vex_move", lying.manifest, repository)
        await tx.run("labels_move", lying.holder, lying.digest, repository)
    else:
        made = await tx.one("trash_manifest_copy", lying.manifest, repository)
        assert made is not None
        await tx.run("trash_edges_copy", lying.manifest, made[0], repository)
        await tx.run("annotations_copy", lying.manifest, made[0])
        await tx.run("quarantined_copy", lying.manifest, made[0])
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
