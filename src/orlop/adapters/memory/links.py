"""Links between repositories and blobs, and the steps that take a blob out of the store."""

from collections.abc import Sequence

from orlop.adapters.memory.state import State
from orlop.domain.blob import Blob, BlobState
from orlop.domain.digest import Digest
from orlop.domain.errors import BlobUnknown, Denied
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName
from orlop.ports.catalog import ALLOWED, By, LinkedBlob, PushRefusals


class MemoryBlobLinks:
    """See ports.catalog.BlobLinks."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def find(self, repository: RepositoryName, digest: Digest) -> LinkedBlob | None:
        held = self._state.held(repository, digest)
        return LinkedBlob(held[2], held[1].loose_since) if held else None

    async def keep(self, repository: RepositoryName, digest: Digest, by: By) -> bool:
        held = self._state.held(repository, digest)
        if held is None:
            return False
        if held[1].loose_since is not None:
            held[1].loose_since = by.at
        return True

    async def holders(self, digest: Digest, among: Sequence[RepositoryName]) -> tuple[RepositoryName, ...]:
        return tuple(name for name in among if self._state.held(name, digest))

    async def mount(
        self,
        digest: Digest,
        source: RepositoryName | None,
        target: RepositoryName,
        by: By,
        refusals: PushRefusals = ALLOWED,
    ) -> Blob | None:
        holders = (source,) if source is not None else tuple(self._state.repositories)
        held = next((held for name in holders if (held := self._state.held(name, digest))), None)
        if held is None:
            return None
        self._state.refuse(target, refusals, holds=lambda row: digest in row.links)
        blob = self._state.blobs[held[1].blob_id]
        if self._state.link(target, blob, by):
            self._state.event(EventKind.BLOB_MOUNTED, by, target, digest)
        self._state.changes.moved()
        return blob.blob

    async def stored(self, digest: Digest) -> Blob | None:
        row = self._state.present(digest)
        return row.blob if row else None

    async def unlink(self, repository: RepositoryName, digest: Digest, by: By) -> None:
        held = self._state.held(repository, digest)
        if held is None:
            raise BlobUnknown(f"{repository} holds no blob {digest}", {"digest": digest})
        manifest = held[0].naming_blob(digest)
        if manifest is not None:
            raise Denied(f"the manifest {manifest} names this blob; delete that first", {"manifest": manifest})
        self._state.unlink(held[0], digest, by)
        self._state.changes.moved()


class MemoryCollection:
    """See ports.catalog.Collection."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def unlink_loose(self, before: int, limit: int, by: By) -> tuple[int, int]:
        loose = sorted(
            (link.loose_since, row.name, digest)
            for row in self._state.repositories.values()
            for digest, link in row.links.items()
            if link.loose_since is not None and link.loose_since < before
        )
        removed = condemned = 0
        for _, name, digest in loose[:limit]:
            row = self._state.repositories[name]
            if row.naming_blob(digest) is not None:
                row.links[digest].loose_since = None
                continue
            removed += 1
            condemned += self._state.unlink(row, digest, by)
        self._state.changes.moved()
        return removed, condemned

    async def tombstone(self, before: int, limit: int, by: By) -> int:
        due = [r for r in self._state.blobs.values() if r.state is BlobState.CONDEMNED and r.state_at < before]
        done = 0
        for row in sorted(due, key=lambda row: (row.state_at, row.id))[:limit]:
            if self._state.is_linked(row.id):
                row.state, row.state_at = BlobState.LIVE, by.at
                continue
            row.state, row.state_at = BlobState.TOMBSTONED, by.at
            self._state.totals.blobs -= 1
            self._state.totals.blob_bytes -= row.blob.size
            self._state.event(EventKind.BLOB_TOMBSTONED, by, digest=row.blob.key.digest)
            done += 1
        self._state.changes.moved()
        return done

    async def tombstones(self, after: int, limit: int) -> tuple[tuple[int, Blob], ...]:
        rows = sorted(
            (row.id, row.blob)
            for row in self._state.blobs.values()
            if row.state is BlobState.TOMBSTONED and row.id > after
        )
        return tuple(rows[:limit])

    async def gone(self, rows: Sequence[int], by: By) -> None:
        for row_id in rows:
            row = self._state.blobs.get(row_id)
            if row is not None and row.state is BlobState.TOMBSTONED:
                del self._state.blobs[row_id]
                self._state.event(EventKind.BLOB_GONE, by, digest=row.blob.key.digest)
