"""Links between repositories and blobs, and the steps that take a blob out of the store."""

from collections.abc import Sequence

from orlop.adapters.sql.engine import Engine, Raced, Session
from orlop.adapters.sql.hidden import is_hidden
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.records import Linked, each, link, locked_repository, made_repository, unlink
from orlop.domain.backup import HOLD
from orlop.domain.blob import Blob, BlobKey
from orlop.domain.digest import Digest
from orlop.domain.errors import BlobUnknown, Denied
from orlop.domain.events import EventKind
from orlop.domain.leases import is_held
from orlop.domain.names import RepositoryName
from orlop.ports.catalog import FREELY, By, LinkedBlob, Terms


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
            row_id = await locked_repository(tx, repository)
            row = await tx.one("link_row", row_id, digest) if row_id is not None else None
            if row is None or row[3] is not None:
                return False
            if row[1] is not None:
                await tx.run("link_loosen", row_id, digest, by.at)
            return True

        return await self._engine.write(script, changes=repository)

    async def holders(self, digest: Digest, among: Sequence[RepositoryName]) -> tuple[RepositoryName, ...]:
        rows = await self._reader.all("link_holders", digest, each(among)) if among else []
        return tuple(RepositoryName.stored(name) for (name,) in rows)

    async def holder(self, digest: Digest) -> RepositoryName | None:
        row = await self._reader.one("link_holder", digest)
        return RepositoryName.stored(row[0]) if row else None

    async def mount(
        self,
        digest: Digest,
        source: RepositoryName | None,
        target: RepositoryName,
        by: By,
        terms: Terms = FREELY,
    ) -> Blob | None:
        async def steps(tx: Session, ledger: Ledger) -> Blob | None:
            found = await (tx.one("link_anywhere", digest) if source is None else tx.one("link_in", digest, source))
            if found is None:
                return None
            repository = await made_repository(tx, target, by, ledger, terms)
            blob = await tx.one("blob_lock", found[0])
            if blob is None:
                raise Raced  # collected meanwhile
            if await link(tx, repository, digest, blob, by, ledger, terms.content):
                ledger.event(EventKind.BLOB_MOUNTED, target, digest)
            return Blob(BlobKey(digest, blob[1]), blob[2])

        return await self._engine.write(recorded(by, steps), changes=target, holding=terms.settings)

    async def stored(self, digest: Digest) -> Blob | None:
        row = await self._reader.one("blob_present", digest)
        return Blob(BlobKey(digest, row[1]), row[2]) if row else None

    async def unlink(self, repository: RepositoryName, digest: Digest, by: By) -> None:
        async def steps(tx: Session, ledger: Ledger) -> None:
            row_id = await locked_repository(tx, repository, ledger)
            row = await tx.one("link_row", row_id, digest) if row_id is not None else None
            if row_id is None or row is None:
                raise BlobUnknown(f"{repository} holds no blob {digest}", {"digest": digest})
            manifest = await tx.one("edge_to_blob", row_id, digest)
            if manifest is not None:
                raise Denied(
                    f"the manifest {manifest[0]} names this blob; delete that first", {"manifest": manifest[0]}
                )
            size, _, blob_id, _ = row
            await unlink(tx, [Linked(row_id, repository, digest, blob_id, size)], by, ledger)

        await self._engine.write(recorded(by, steps), changes=repository)


class SqlCollection:
    """See ports.catalog.Collection."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def unlink_loose(self, before: int, limit: int, by: By) -> tuple[int, int]:
        async def steps(tx: Session, ledger: Ledger) -> tuple[int, int]:
            repositories = {row[0] for row in await tx.all("links_loose", before, limit)}
            if not repositories:
                return 0, 0
            for located in await tx.all("repositories_lock", each(sorted(repositories))):
                ledger.located(*located)
            loose: list[Linked] = []
            named: dict[int, list[str]] = {}
            # Once more: what was loose a moment ago may have been named, or its grace begun anew.
            for row_id, name, digest, blob_id, size, is_named in await tx.all("links_loose", before, limit):
                if row_id in repositories and is_named:
                    named.setdefault(row_id, []).append(digest)
                elif row_id in repositories:
                    loose.append(Linked(row_id, "" if is_hidden(name) else name, Digest.stored(digest), blob_id, size))
            if named:
                await tx.many("links_tighten", [(row_id, each(digests)) for row_id, digests in named.items()])
            return len(loose), await unlink(tx, loose, by, ledger) if loose else 0

        return await self._engine.write(recorded(by, steps))

    async def tombstone(self, before: int, limit: int, by: By) -> int:
        async def steps(tx: Session, ledger: Ledger) -> int:
            blobs = await tx.all("blobs_condemned", before, limit)
            if not blobs:
                return 0
            backup = await tx.one("backup_held")
            if backup is not None and is_held(backup[0], by.at, HOLD):
                return 0  # a backup reads them; the next collection takes them
            rows = each(sorted(row_id for row_id, _, _ in blobs))
            await tx.all("blobs_lock", rows)
            await tx.run("blobs_revive", rows, by.at)
            tombstoned = {row_id for (row_id,) in await tx.all("blobs_tombstone", rows, before, by.at)}
            for row_id, digest, size in blobs:
                if row_id in tombstoned:
                    ledger.add_totals(blobs=-1, blob_bytes=-size)
                    ledger.event(EventKind.BLOB_TOMBSTONED, digest=digest)
            return len(tombstoned)

        return await self._engine.write(recorded(by, steps))

    async def tombstones(self, after: int, limit: int) -> tuple[tuple[int, Blob], ...]:
        rows = await self._engine.reader.all("blobs_tombstoned", after, limit)
        return tuple((row_id, Blob(BlobKey(Digest.stored(digest), copy), size)) for row_id, digest, copy, size in rows)

    async def gone(self, rows: Sequence[int], by: By) -> None:
        async def steps(tx: Session, ledger: Ledger) -> None:
            for _, digest in sorted(await tx.all("blobs_gone", each(rows))):
                ledger.event(EventKind.BLOB_GONE, digest=digest)

        await self._engine.write(recorded(by, steps), changes=False)
