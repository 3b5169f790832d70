"""What a collection would do, and whether what it goes by is right."""

from collections.abc import Sequence

from orlop.adapters.sql.engine import Engine, Session
from orlop.adapters.sql.leaving import last_return
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.records import each
from orlop.domain.blob import Blob, BlobKey, BlobState
from orlop.domain.digest import Digest
from orlop.domain.events import EventKind
from orlop.domain.manifest import Edge, EdgeKind
from orlop.domain.names import RepositoryName
from orlop.ports.catalog import By
from orlop.ports.collection import (
    BlobMark,
    DoomedBlob,
    DoomedEntry,
    DoomedLink,
    DoomedUpload,
    EmptyRepository,
    LinkMark,
)


class SqlCollectionPreview:
    """See ports.collection.CollectionPreview."""

    def __init__(self, reader: Session) -> None:
        self._reader = reader

    async def uploads(self, now: int, after: DoomedUpload | None, limit: int) -> tuple[DoomedUpload, ...]:
        place = (after.expires_at, after.id) if after is not None else (-1, "")
        return tuple(
            DoomedUpload(expires_at, upload, RepositoryName.stored(repository), size)
            for expires_at, upload, repository, size in await self._reader.all("uploads_doomed", now, *place, limit)
        )

    async def trash(self, now: int, before: int, after: DoomedEntry | None, limit: int) -> tuple[DoomedEntry, ...]:
        place = (after.expires_at, after.id) if after is not None else (-1, 0)
        return tuple(
            DoomedEntry(expires_at, row_id, name, Digest.stored(digest) if digest else None, size, alone)
            for expires_at, row_id, name, digest, size, alone in await self._reader.all(
                "trash_doomed", now, before, *place, limit
            )
        )

    async def links(self, now: int, before: int, after: DoomedLink | None, limit: int) -> tuple[DoomedLink, ...]:
        place = (after.since, after.repository_id, after.digest) if after is not None else (-1, 0, "")
        times = (now, last_return(now), before)
        return tuple(
            DoomedLink(since, row_id, Digest.stored(digest), RepositoryName.stored(name), size, bool(last))
            for since, row_id, digest, name, size, last in await self._reader.all("doomed_links", *times, *place, limit)
        )

    async def condemned(self, before: int, after: DoomedBlob | None, limit: int) -> tuple[DoomedBlob, ...]:
        place = (after.since, after.id) if after is not None else (-1, 0)
        return tuple(
            DoomedBlob(since, row_id, Digest.stored(digest), size)
            for since, row_id, digest, size in await self._reader.all("doomed_blobs", before, *place, limit)
        )

    async def tombstones(self, after: int, limit: int) -> tuple[tuple[int, Blob], ...]:
        rows = await self._reader.all("blobs_tombstoned", after, limit)
        return tuple((row_id, Blob(BlobKey(Digest.stored(digest), copy), size)) for row_id, digest, copy, size in rows)

    async def empty(self, after: str, limit: int) -> tuple[EmptyRepository, ...]:
        return tuple(
            EmptyRepository(RepositoryName.stored(name), max(times))
            for name, *times in await self._reader.all("repositories_empty", after, limit)
        )


class SqlMarking:
    """See ports.collection.Marking."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def links(self, after: LinkMark | None, limit: int) -> tuple[LinkMark, ...]:
        place = (after.repository_id, after.digest) if after is not None else (0, "")
        return tuple(
            LinkMark(row_id, Digest.stored(digest), RepositoryName.stored(name), bool(loose), bool(named))
            for row_id, digest, name, loose, named in await self._reader.all("mark_links", *place, limit)
        )

    async def link(self, repository_id: int, digest: Digest) -> LinkMark | None:
        row = await self._reader.one("mark_link", repository_id, digest)
        return (
            LinkMark(repository_id, digest, RepositoryName.stored(row[0]), bool(row[1]), bool(row[2])) if row else None
        )

    async def blobs(self, after: int, limit: int) -> tuple[BlobMark, ...]:
        return tuple(
            BlobMark(row_id, Digest.stored(digest), size, BlobState(state), bool(linked))
            for row_id, digest, size, state, linked in await self._reader.all("mark_blobs", after, limit)
        )

    async def mend_edges(self, manifest: int, edges: Sequence[Edge], by: By) -> bool:
        async def script(tx: Session) -> bool:
            row = await tx.one("mark_manifest", manifest)
            if row is None:
                return False
            repository = row[0]
            await tx.all("repositories_lock", each([repository]))
            if await tx.one("mark_manifest", manifest) is None:
                return False
            there = {digest for (digest,) in await tx.all("mark_held", repository, each(_digests(edges)))}
            await tx.run("edges_delete", manifest)
            for position, edge in enumerate(edges):
                # What is not there was not needed when the manifest was pushed.
                optional = int(edge.foreign or edge.digest not in there)
                await tx.run(
                    "edge_insert",
                    manifest,
                    position,
                    repository,
                    edge.kind.value,
                    edge.digest,
                    edge.size,
                    edge.media_type,
                    optional,
                )
            blobs = sorted({edge.digest for edge in edges if edge.kind is not EdgeKind.MANIFEST})
            await tx.run("links_tighten", repository, each(blobs))
            return True

        return await self._engine.write(script, changes=False)

    async def mend_links(self, links: Sequence[LinkMark], by: By) -> None:
        async def script(tx: Session) -> None:
            repositories = sorted({link.repository_id for link in links})
            await tx.all("repositories_lock", each(repositories))
            for repository in repositories:
                of_it = [link for link in links if link.repository_id == repository]
                tight = [link.digest for link in of_it if not link.loose]
                loose = [link.digest for link in of_it if link.loose]
                await tx.run("links_loosen", repository, each(tight), by.at)
                await tx.run("links_tighten_named", repository, each(loose))

        await self._engine.write(script, changes=False)

    async def mend_blobs(self, rows: Sequence[int], by: By) -> None:
        async def steps(tx: Session, ledger: Ledger) -> None:
            wanted = each(sorted(rows))
            await tx.all("blobs_lock", wanted)
            await tx.run("blobs_revive", wanted, by.at)
            condemned = {row_id for (row_id,) in await tx.all("blobs_condemn", wanted, by.at)}
            for row_id, digest in await tx.all("mark_digests", each(sorted(condemned))):
                assert row_id in condemned
                ledger.event(EventKind.BLOB_CONDEMNED, digest=digest)

        await self._engine.write(recorded(by, steps))


def _digests(edges: Sequence[Edge]) -> list[str]:
    return sorted({edge.digest for edge in edges})
