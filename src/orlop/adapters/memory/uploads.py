"""Upload sessions: claimed, advanced by compare-and-set, ended in a blob or in nothing."""

import msgspec

from orlop.adapters.memory.state import State, UploadRow
from orlop.domain.blob import Blob, BlobKey, BlobState
from orlop.domain.digest import Digest
from orlop.domain.errors import BlobUploadUnknown
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName
from orlop.domain.upload import Upload, UploadState, begun_already, busy, too_many_sessions
from orlop.ports.catalog import By, ExpiredUpload, UploadCommit


class MemoryUploads:
    """See ports.catalog.Uploads and UploadExpiry."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def start(self, upload: Upload, at_most: int = 0, *, target: Digest | None = None, ticket: str = "") -> None:
        other = self._begun(ticket) if ticket else None
        if other is not None:
            self._row(other.upload.repository, other.upload.id, upload.started_at)
            raise begun_already()
        if at_most and self._held(upload, upload.started_at) >= at_most:
            raise too_many_sessions(upload, at_most)
        self._state.uploads[upload.id] = UploadRow(upload, target, ticket)

    def _begun(self, ticket: str) -> UploadRow | None:
        return next((row for row in self._state.uploads.values() if row.ticket == ticket), None)

    async def begun(self, repository: RepositoryName, ticket: str, now: int) -> Upload | None:
        row = self._begun(ticket)
        return None if row is None else self._row(repository, row.upload.id, now).upload

    def _held(self, new: Upload, now: int) -> int:
        sessions = (row.upload for row in self._state.uploads.values())
        return sum(each.belongs_to(new.created_by, new.owner or 0) and each.expires_at > now for each in sessions)

    async def get(self, repository: RepositoryName, upload: str, now: int) -> Upload:
        return self._row(repository, upload, now).upload

    async def claim(
        self, repository: RepositoryName, upload: str, *, now: int, lease_until: int, target: Digest | None = None
    ) -> Upload:
        row = self._row(repository, upload, now)
        if row.upload.state(now) is UploadState.WRITING:
            raise busy(row.upload, now)
        row.upload = msgspec.structs.replace(row.upload, fence=row.upload.fence + 1, lease_until=lease_until)
        row.target = target or row.target
        return row.upload

    async def advance(
        self, upload: Upload, *, offset: int, digest: Digest | None, place: str, lease_until: int, expires_at: int
    ) -> Upload:
        row = self._claimed(upload)
        row.upload = msgspec.structs.replace(
            row.upload, offset=offset, digest=digest, place=place, lease_until=lease_until, expires_at=expires_at
        )
        return row.upload

    async def commit(self, commit: UploadCommit, by: By) -> Blob | None:
        upload, blob = commit.upload, commit.blob
        self._claimed(upload)
        row = self._state.present(blob.key.digest)
        if not commit.promoted and (row is None or row.blob.key != blob.key):
            return None
        self._state.refuse(upload.repository, commit.refusals, holds=lambda held: blob.key.digest in held.links)
        if commit.promoted:
            del self._state.uploads[upload.id]
        else:
            _end(self._state.uploads[upload.id])
        if row is None:
            row = self._state.add_blob(blob, BlobState.LIVE, by)
        elif row.blob.key != blob.key:
            self._state.add_blob(blob, BlobState.TOMBSTONED, by)
        if self._state.link(upload.repository, row, by):
            self._state.event(EventKind.BLOB_PUSHED, by, upload.repository, blob.key.digest)
        self._state.changes.moved()
        return row.blob

    async def cancel(self, repository: RepositoryName, upload: str, now: int) -> None:
        _end(self._row(repository, upload, now))

    async def expired(self, now: int, limit: int) -> tuple[ExpiredUpload, ...]:
        over = [row for row in self._state.uploads.values() if row.upload.state(now) is UploadState.EXPIRED]
        taken = sorted(over, key=lambda row: row.upload.expires_at)[:limit]
        for row in taken:
            _end(row)
        return tuple(ExpiredUpload(row.upload.id, self._stray(row)) for row in taken)

    async def forget(self, upload: str, now: int) -> None:
        row = self._state.uploads.get(upload)
        if row is not None and row.upload.state(now) is UploadState.EXPIRED:
            del self._state.uploads[upload]

    def _row(self, repository: RepositoryName, upload: str, now: int) -> UploadRow:
        row = self._state.uploads.get(upload)
        if row is None or row.upload.repository != repository or row.upload.state(now) is UploadState.EXPIRED:
            raise _unknown(upload)
        return row

    def _claimed(self, upload: Upload) -> UploadRow:
        row = self._state.uploads.get(upload.id)
        if row is None or row.upload.fence != upload.fence:
            raise _unknown(upload.id)
        return row

    def _stray(self, row: UploadRow) -> BlobKey | None:
        target = row.target or row.upload.digest
        if target is None:
            return None
        key = BlobKey(target, row.upload.id.replace("-", ""))
        return None if any(blob.blob.key == key for blob in self._state.blobs.values()) else key


def _end(row: UploadRow) -> None:
    """Whatever the clock does from now on, and whoever still writes: nothing of this session counts any more."""
    row.upload = msgspec.structs.replace(row.upload, expires_at=0, lease_until=0, fence=row.upload.fence + 1)


def _unknown(upload: str) -> BlobUploadUnknown:
    return BlobUploadUnknown(f"there is no upload {upload[:64]} in this repository; begin a new one")
