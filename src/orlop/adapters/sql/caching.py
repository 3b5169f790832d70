"""What caches of upstreams hold, by when it was used last, and its eviction."""

from collections.abc import Iterable, Mapping, Sequence

from orlop.adapters.sql.engine import Engine, Session
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.records import Linked, drop_manifest, each, locked_repository, unlink
from orlop.domain.digest import Digest
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.upstreams.eviction import Cached
from orlop.ports.caching import Evicted, GoneTag
from orlop.ports.catalog import By

#: So many manifests go in one transaction at most. What follows them stands at the head of the queue then.
_AT_ONCE = 200

#: So much of what goes with a manifest is looked through: only what is made to have more has it.
_FAMILY = 5_000


class SqlCaches:
    """See ports.caching.Caches. `lists`: what is long is read by it."""

    def __init__(self, engine: Engine, lists: Session) -> None:
        self._engine = engine
        self._lists = lists

    async def unused(self, path: str, until: int, limit: int) -> tuple[tuple[Cached, ...], bool]:
        rows = await self._lists.all("cached_unused", path, until, limit + 1)
        queued: dict[int, int] = dict(rows[:limit])
        found = await _cached(self._lists, queued)
        gone = [manifest for manifest in queued if manifest not in found]
        if gone:

            async def script(tx: Session) -> None:
                there = await _cached(tx, dict.fromkeys(gone, 0))
                await tx.many("cached_manifest_forget", [(each,) for each in gone if each not in there])

            await self._engine.write(script, changes=False)
        return tuple(found[manifest] for manifest in queued if manifest in found), len(rows) > limit

    async def look_again(self, at: Mapping[int, int]) -> None:
        async def script(tx: Session) -> None:
            await tx.many("cached_manifest_used", sorted(at.items()))

        if at:
            await self._engine.write(script, durable=False, changes=False)

    async def evict(self, cached: Cached, by: By) -> Evicted:
        row = await self._engine.reader.one("cached_described", each([cached.manifest]))
        if row is None:
            return Evicted()
        name = RepositoryName.stored(row[1])

        async def steps(tx: Session, ledger: Ledger) -> Evicted:
            repository = await locked_repository(tx, name, ledger)
            now = (await _cached(tx, {cached.manifest: cached.queued_at})).get(cached.manifest)
            if repository is None or now is None or not ledger.caching(repository):
                return Evicted()
            if now.follows or now.locked or now.used_at > cached.used_at:
                at = by.at if now.follows or now.locked else now.used_at
                await tx.run("cached_manifest_used", cached.manifest, at)
                return Evicted()
            return await _evict(tx, repository, name, cached.manifest, by, ledger)

        return await self._engine.write(recorded(by, steps), changes=name)

    async def gone_tags(self, since: int, after: GoneTag | None, limit: int) -> Sequence[GoneTag]:
        start = (after.gone_since, after.repository, after.tag) if after is not None else (0, "", "")
        return [
            GoneTag(gone_since, RepositoryName.stored(repository), Tag.stored(tag), bool(cached))
            for gone_since, repository, tag, cached in await self._lists.all("cached_tags_gone", since, *start, limit)
        ]


async def _cached(session: Session, queued: Mapping[int, int]) -> dict[int, Cached]:
    """These manifests as they are, with all that would go with each; none for one that is in no cache any more."""
    families = await _families(session, queued)
    members = sorted({member for family in families.values() for member in family})
    rows = {row[0]: row for row in await session.all("cached_described", each(members))} if members else {}
    found: dict[int, Cached] = {}
    for manifest, queued_at in queued.items():
        if manifest in rows:
            family = [rows[member] for member in families[manifest] if member in rows]
            used_at = max(max(pushed_at, pulled_at or 0) for _, _, _, pushed_at, pulled_at, *_ in family)
            locked = any(row[5] for row in family)
            found[manifest] = Cached(manifest, queued_at, used_at, bool(rows[manifest][6]), locked)
    return found


async def _families(session: Session, manifests: Iterable[int]) -> dict[int, dict[int, None]]:
    """Of each manifest: itself, and level by level what it lists and what refers to it."""
    families: dict[int, dict[int, None]] = {manifest: {manifest: None} for manifest in manifests}
    level = {(manifest, manifest) for manifest in families}
    while level:
        wanted = each(sorted({member for _, member in level}))
        below: dict[int, list[int]] = {}
        for statement in ("cached_children", "cached_referrers"):
            for member, follower in await session.all(statement, wanted):
                below.setdefault(member, []).append(follower)
        following: set[tuple[int, int]] = set()
        for manifest, member in sorted(level):
            for follower in below.get(member, ()):
                if follower not in families[manifest] and len(families[manifest]) < _FAMILY:
                    families[manifest][follower] = None
                    following.add((manifest, follower))
        level = following
    return families


async def _evict(tx: Session, repository: int, name: RepositoryName, manifest: int, by: By, ledger: Ledger) -> Evicted:
    """Remove a manifest of a locked repository, and what follows nothing else then."""
    waiting = (await _families(tx, [manifest]))[manifest]
    named: set[str] = set()
    manifests = tags = 0
    loose = [manifest]
    while loose and manifests < _AT_ONCE:
        for row_id in loose[: _AT_ONCE - manifests]:
            named.update(digest for (digest,) in await tx.all("edge_blob_children", row_id))
            tags += await _remove(tx, repository, name, row_id, by, ledger)
            manifests += 1
            del waiting[row_id]
        rows = await tx.all("cached_described", each(sorted(waiting))) if waiting else []
        loose = sorted(row[0] for row in rows if not row[6])
    if loose:
        await tx.many("cached_manifest_used", [(row_id, 0) for row_id in loose])
    links = await tx.all("trash_links_unnamed", repository, each(sorted(named))) if named else []
    if links:
        gone = [Linked(repository, name, Digest.stored(digest), blob, size) for digest, blob, size in links]
        await unlink(tx, gone, by, ledger)
    return Evicted(manifests, tags, ledger.uncached(repository))


async def _remove(tx: Session, repository: int, name: RepositoryName, manifest: int, by: By, ledger: Ledger) -> int:
    """How many tags it had."""
    row = await tx.one("cached_manifest", manifest)
    assert row is not None
    digest, size = row
    tags = [tag for (tag,) in await tx.all("tags_of_manifest", manifest)]
    if tags:
        await tx.run("tags_delete", manifest)
        await tx.many("tag_history_add", [(repository, tag, by.at, by.actor, None, digest) for tag in tags])
    for tag in tags:
        ledger.event(EventKind.TAG_DELETED, name, digest, tag)
    await drop_manifest(tx, repository, manifest, digest)
    await tx.run("cached_manifest_forget", manifest)
    ledger.count(repository, manifests=-1, manifest_bytes=-size, tags=-len(tags))
    ledger.event(EventKind.MANIFEST_DELETED, name, digest)
    return len(tags)
