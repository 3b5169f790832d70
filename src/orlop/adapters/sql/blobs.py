"""Links between repositories and blobs, and the steps that take a blob out of the store."""

from collections.abc import Sequence

from orlop.adapters.sql.engine import Engine, Session
from orlop.adapters.sql.records import event, link, repository_id, unlink
from orlop.domain.blob import Blob, BlobKey, BlobState
from orlop.domain.digest import Digest
from orlop.domain.errors import BlobUnknown, Denied
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName
from orlop.ports.catalog import By, LinkedBlob


class SqlBlobLinks:
    """See ports.catalog.BlobLinks."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def find(self, repository: RepositoryName, digest: Digest) -> LinkedBlob | None:
        row = await self._reader.one("link_find", repository, digest)
        return LinkedBlob(Blob(BlobKey(digest, row[0]), row[1]), row[2]) if row else None

    async def keep(self, repository: RepositoryName, digest: Digest, by: By) -> bool:
        async def script(tx: Session) -> bool:
            row_id = await repository_id(tx, repository)
            row = await tx.one("link_row", row_id, digest) if row_id is not None else None
            if row is None:
                return False
            if row[1] is not None:
                await tx.run("link_loosen", row_id, digest, by.at)
            return True

        return await self._engine.write(script)

    async def mount(self, digest: Digest, source: RepositoryName | None, target: RepositoryName, by: By) -> Blob | None:
        async def script(tx: Session) -> Blob | None:
            row = await (tx.one("link_anywhere", digest) if source is None else tx.one("link_in", digest, source))
            if row is None:
                return None
            blob_id, copy, size = row
            if await link(tx, target, digest, blob_id, size, by):
                await event(tx, EventKind.BLOB_MOUNTED, by, target, digest)
            return Blob(BlobKey(digest, copy), size)

        return await self._engine.write(script)

    async def stored(self, digest: Digest) -> Blob | None:
        row = await self._reader.one("blob_present", digest)
        return Blob(BlobKey(digest, row[1]), row[2]) if row else None

    async def unlink(self, repository: RepositoryName, digest: Digest, by: By) -> None:
        async def script(tx: Session) -> None:
            row_id = await repository_id(tx, repository)
            row = await tx.one("link_row", row_id, digest) if row_id is not None else None
            if row_id is None or row is None:
                raise BlobUnknown(f"{repository} holds no blob {digest}", {"digest": digest})
            manifest = await tx.one("edge_to_blob", row_id, digest)
            if manifest is not None:
                raise Denied(
                    f"the manifest {manifest[0]} names this blob; delete that first", {"manifest": manifest[0]}
                )
            size, _, blob_id = row
            await unlink(tx, row_id, repository, digest, blob_id, size, by)

        await self._engine.write(script)


class SqlCollection:
    """See ports.catalog.Collection."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def unlink_loose(self, before: int, limit: int, by: By) -> tuple[int, int]:
        async def script(tx: Session) -> tuple[int, int]:
            removed = condemned = 0
            for row_id, repository, digest, blob_id, size in await tx.all("links_loose", before, limit):
                if await tx.one("edge_to_blob", row_id, digest):
                    await tx.run("link_tighten", row_id, digest)
                    continue
                removed += 1
                condemned += await unlink(tx, row_id, repository, Digest.stored(digest), blob_id, size, by)
            return removed, condemned

        return await self._engine.write(script)

    async def tombstone(self, before: int, limit: int, by: By) -> int:
        async def script(tx: Session) -> int:
            done = 0
            for blob_id, digest, size in await tx.all("blobs_condemned", before, limit):
                if await tx.one("link_of_blob", blob_id):
                    await tx.run("blob_revive", blob_id, by.at)
                    continue
                await tx.run("blob_state", blob_id, BlobState.CONDEMNED.value, BlobState.TOMBSTONED.value, by.at)
                await tx.run("totals_add", 0, 0, 0, -1, -size)
                await event(tx, EventKind.BLOB_TOMBSTONED, by, digest=digest)
                done += 1
            return done

        return await self._engine.write(script)

    async def tombstones(self, after: int, limit: int) -> tuple[tuple[int, Blob], ...]:
        rows = await self._engine.reader.all("blobs_tombstoned", after, limit)
        return tuple((row_id, Blob(BlobKey(Digest.stored(digest), copy), size)) for row_id, digest, copy, size in rows)

    async def gone(self, rows: Sequence[int], by: By) -> None:
        async def script(tx: Session) -> None:
            for row_id in rows:
                row = await tx.one("blob_gone", row_id)
                if row is not None:
                    await event(tx, EventKind.BLOB_GONE, by, digest=row[0])

        await self._engine.write(script, changes=False)
