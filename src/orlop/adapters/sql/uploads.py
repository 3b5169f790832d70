"""Upload sessions: rows that are claimed, advanced by compare-and-set, and end in a blob or in nothing."""

import msgspec

from orlop.adapters.sql.engine import Engine, Row, Session
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.records import each, link, made_repository
from orlop.adapters.sql.room import make_room_beforehand
from orlop.domain.blob import Blob, BlobKey, BlobState
from orlop.domain.digest import Digest
from orlop.domain.errors import BlobUploadUnknown
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName
from orlop.domain.quotas import Room
from orlop.domain.upload import Upload, UploadState, begun_already, busy, too_many_sessions
from orlop.ports.catalog import By, ExpiredUpload, UploadCommit


class SqlUploads:
    """See ports.catalog.Uploads and UploadExpiry."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def start(
        self,
        upload: Upload,
        at_most: int = 0,
        *,
        target: Digest | None = None,
        ticket: str = "",
        room: tuple[Room, ...] = (),
    ) -> None:
        async def script(tx: Session) -> None:
            await _reserve(tx, upload, target, room, upload.started_at)
            begun = await tx.one(
                "upload_start",
                upload.id,
                upload.repository,
                upload.created_by,
                upload.algorithm,
                upload.offset,
                upload.digest,
                upload.place,
                upload.fence,
                upload.lease_until,
                upload.started_at,
                upload.expires_at,
                target,
                at_most,
                ticket or None,
                upload.owner,
                upload.reserved,
            )
            if begun is None:
                other = await tx.one("upload_begun", ticket) if ticket else None
                if other is None:
                    raise too_many_sessions(upload, at_most)
                raise _unknown(ticket) if _is_over(_upload(other), upload.started_at) else begun_already()

        await self._engine.write(script, durable=False, changes=False)

    async def get(self, repository: RepositoryName, upload: str, now: int) -> Upload:
        row = await self._reader.one("upload_get", upload, repository, now)
        if row is None:
            raise _unknown(upload)
        return _upload(row)

    async def begun(self, repository: RepositoryName, ticket: str, now: int) -> Upload | None:
        row = await self._reader.one("upload_begun", ticket)
        if row is None:
            return None
        upload = _upload(row)
        if upload.repository != repository or _is_over(upload, now):
            raise _unknown(ticket)
        return upload

    async def give_up(self, ticket: str, now: int) -> None:
        async def script(tx: Session) -> None:
            await tx.run("upload_give_up", ticket, now)

        await self._engine.write(script, durable=False, changes=False)

    async def claim(
        self,
        repository: RepositoryName,
        upload: str,
        *,
        now: int,
        lease_until: int,
        target: Digest | None = None,
        reserved: int = 0,
        room: tuple[Room, ...] = (),
    ) -> Upload:
        async def script(tx: Session) -> Upload:
            row = await tx.one("upload_claim", upload, repository, now, lease_until, target, reserved)
            if row is not None:
                claimed = msgspec.structs.replace(_upload(row), reserved=reserved)
                await _reserve(tx, claimed, target, room, now)
                return claimed
            held = await tx.one("upload_get", upload, repository, now)
            if held is not None:
                raise busy(_upload(held), now)
            raise _unknown(upload)

        return await self._engine.write(script, durable=False, changes=False)

    async def advance(
        self, upload: Upload, *, offset: int, digest: Digest | None, place: str, lease_until: int, expires_at: int
    ) -> Upload:
        async def script(tx: Session) -> Upload:
            row = await tx.one(
                "upload_advance", upload.id, upload.fence, offset, digest, place, lease_until, expires_at
            )
            if row is None:
                raise _unknown(upload.id)
            return _upload(row)

        return await self._engine.write(script, durable=False, changes=False)

    async def hold_none(self, upload: str) -> None:
        async def script(tx: Session) -> None:
            await tx.run("upload_hold_none", upload)

        await self._engine.write(script, durable=False, changes=False)

    async def commit(self, commit: UploadCommit, by: By) -> Blob | None:
        upload, blob, digest = commit.upload, commit.blob, commit.blob.key.digest

        async def steps(tx: Session, ledger: Ledger) -> Blob:
            if not await tx.one("upload_end" if commit.promoted else "upload_over", upload.id, upload.fence):
                raise _unknown(upload.id)
            repository = await made_repository(tx, upload.repository, by, ledger, commit.terms)
            present = await tx.one("blob_present_lock", digest)
            new = present is None
            rotten = present is not None and present[4] is not None
            if not commit.promoted and (present is None or rotten or present[1] != blob.key.copy):
                raise _CopyGone
            if present is None:
                present = await _insert(tx, blob, BlobState.LIVE, by)
                ledger.add_totals(blobs=1, blob_bytes=blob.size)
            elif commit.promoted and rotten:
                present = await _replace(tx, blob, present, by)
                ledger.event(EventKind.BLOB_HEALED, digest=digest, detail="it was pushed again")
            elif commit.promoted and present[1] != blob.key.copy:
                await _insert(tx, blob, BlobState.TOMBSTONED, by)
            if await link(tx, repository, digest, present[:4], by, ledger, commit.terms.content, new=new):
                ledger.event(EventKind.BLOB_PUSHED, upload.repository, digest)
            return Blob(BlobKey(digest, present[1]), present[2])

        try:
            return await self._engine.write(
                recorded(by, steps), changes=upload.repository, holding=commit.terms.settings
            )
        except _CopyGone:
            return None

    async def cancel(self, repository: RepositoryName, upload: str, now: int) -> None:
        async def script(tx: Session) -> None:
            if not await tx.one("upload_cancel", upload, repository, now):
                raise _unknown(upload)

        await self._engine.write(script, durable=False, changes=False)

    async def expired(self, now: int, limit: int) -> tuple[ExpiredUpload, ...]:
        async def script(tx: Session) -> list[Row]:
            uploads = [upload for (upload,) in await tx.all("uploads_expired", now, limit)]
            if not uploads:
                return []
            await tx.run("uploads_fence", each(uploads))
            # Only now: a session that was committed a moment ago is gone, and one that is fenced cannot become a blob.
            strays = {row[0]: row for row in await tx.all("uploads_strays", each(uploads))}
            return [strays[upload] for upload in uploads]

        rows = await self._engine.write(script, changes=False)
        return tuple(
            ExpiredUpload(
                upload, BlobKey(Digest.stored(target), upload.replace("-", "")) if target and not stored else None
            )
            for upload, target, stored in rows
        )

    async def forget(self, upload: str, now: int) -> None:
        async def script(tx: Session) -> None:
            await tx.run("upload_forget", upload, now)

        await self._engine.write(script, durable=False, changes=False)


async def _reserve(tx: Session, upload: Upload, target: Digest | None, room: tuple[Room, ...], now: int) -> None:
    """Raises Denied where there is no room for what a session is to have, unless it may well be there already."""
    if not room or not upload.reserved or (target is not None and await tx.one("blob_present", target)):
        return
    await make_room_beforehand(tx, upload.repository, room, upload.reserved, upload.id, now)


class _CopyGone(Exception):
    """The stored copy that was to be linked is not there any more; nothing that the script did is to stay."""


async def _insert(tx: Session, blob: Blob, state: BlobState, by: By) -> Row:
    row = await tx.one("blob_insert", blob.key.digest, blob.key.copy, blob.size, state.value, by.at, by.actor)
    assert row is not None
    return row[0], blob.key.copy, blob.size, state


async def _replace(tx: Session, blob: Blob, present: Row, by: By) -> Row:
    """Put a promoted copy in the place of one in quarantine, which goes with the next collection."""
    row_id, damaged, size, state = present[:4]
    await tx.run("blob_replace", row_id, blob.key.copy, by.at)
    if damaged != blob.key.copy:
        await _insert(tx, Blob(BlobKey(blob.key.digest, damaged), size), BlobState.TOMBSTONED, by)
    return row_id, blob.key.copy, size, state


def _is_over(upload: Upload, now: int) -> bool:
    return upload.state(now) is UploadState.EXPIRED


def _unknown(upload: str) -> BlobUploadUnknown:
    return BlobUploadUnknown(f"there is no upload {upload[:64]} in this repository; begin a new one")


def _upload(row: Row) -> Upload:
    upload, repository, created_by, algorithm, offset, digest, place, fence, lease_until, started_at, expires_at = row[
        :11
    ]
    return Upload(
        id=upload,
        repository=RepositoryName.stored(repository),
        created_by=created_by,
        owner=row[11],
        algorithm=algorithm,
        offset=offset,
        digest=Digest.stored(digest) if digest else None,
        place=place,
        fence=fence,
        lease_until=lease_until,
        started_at=started_at,
        expires_at=expires_at,
    )
