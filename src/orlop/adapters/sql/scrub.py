"""Copies in quarantine, how far scrub came, and what lies in the store without a row."""

from collections.abc import Sequence

from orlop.adapters.sql.engine import Engine, Session
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.records import each
from orlop.domain.blob import Blob, BlobKey
from orlop.domain.digest import Digest
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName
from orlop.ports.catalog import By
from orlop.ports.scrub import DueBlob, QuarantinedCopy, ScrubPass, StoredOrphan


class SqlQuarantine:
    """See ports.scrub.Quarantine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def add(self, key: BlobKey, what: str, by: By) -> bool:
        async def steps(tx: Session, ledger: Ledger) -> bool:
            if not await tx.all("blob_rot", key.digest, key.copy, what, by.at):
                return False
            ledger.event(EventKind.BLOB_ROTTEN, digest=key.digest, detail=what)
            return True

        return await self._engine.write(recorded(by, steps))

    async def lift(self, key: BlobKey, by: By) -> bool:
        async def steps(tx: Session, ledger: Ledger) -> bool:
            if not await tx.all("blob_whole", key.digest, key.copy):
                return False
            ledger.event(EventKind.BLOB_HEALED, digest=key.digest, detail="the copy is whole again")
            return True

        return await self._engine.write(recorded(by, steps))

    async def page(self, after: int, limit: int) -> tuple[QuarantinedCopy, ...]:
        return tuple(
            QuarantinedCopy(row_id, Blob(BlobKey(Digest.stored(digest), copy), size), what, since)
            for row_id, digest, copy, size, what, since in await self._reader.all("blobs_rotten", after, limit)
        )

    async def count(self) -> int:
        row = await self._reader.one("blob_rotten_count")
        assert row is not None
        return int(row[0])

    async def holders(self, row: int, limit: int) -> tuple[RepositoryName, ...]:
        return tuple(RepositoryName.stored(name) for (name,) in await self._reader.all("blob_holders", row, limit))


class SqlScrubRows:
    """See ports.scrub.ScrubRows."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def last(self) -> ScrubPass:
        row = await self._reader.one("scrub_pass")
        return ScrubPass(*row) if row else ScrubPass()

    async def next(self, after: int, before: int, limit: int) -> tuple[DueBlob, ...]:
        return tuple(
            DueBlob(row_id, Blob(BlobKey(Digest.stored(digest), copy), size), bool(is_due))
            for row_id, digest, copy, size, is_due in await self._reader.all("scrub_next", after, before, limit)
        )

    async def record(self, found: ScrubPass, verified: Sequence[int], at: int) -> None:
        async def script(tx: Session) -> None:
            if verified:
                await tx.all("blobs_lock", each(sorted(verified)))
                await tx.run("scrub_verified", each(sorted(verified)), at)
            await tx.run(
                "scrub_record",
                found.started_at,
                found.finished_at,
                found.read_up_to,
                found.blobs,
                found.size,
                found.rotten,
                found.failed,
            )

        await self._engine.write(script, durable=False, changes=False)


class SqlOrphans:
    """See ports.scrub.Orphans."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def found(self, orphans: Sequence[StoredOrphan]) -> None:
        async def script(tx: Session) -> None:
            await tx.many("orphan_add", [(each.name, each.size, each.found_at) for each in orphans])

        if orphans:
            await self._engine.write(script, changes=False)

    async def since(self, name: str) -> int | None:
        row = await self._reader.one("orphan_find", name)
        return int(row[0]) if row else None

    async def page(self, after: str, limit: int) -> tuple[StoredOrphan, ...]:
        return tuple(StoredOrphan(*row) for row in await self._reader.all("orphan_page", after, limit))

    async def forget(self, names: Sequence[str]) -> None:
        async def script(tx: Session) -> None:
            await tx.many("orphan_forget", [(name,) for name in names])

        if names:
            await self._engine.write(script, changes=False)
