"""Blob uploads, from the first byte to the link: claim, stage, verify, promote, commit, in that order and no other."""

from collections.abc import AsyncIterator

import msgspec

from orlop.domain.access import Subject
from orlop.domain.blob import Blob, BlobKey
from orlop.domain.digest import CANONICAL, Digest
from orlop.domain.errors import BlobUploadInvalid, BodyInterrupted, DigestInvalid, RegistryError, TooLarge
from orlop.domain.names import RepositoryName
from orlop.domain.upload import ChunkRange, Upload, check_chunk
from orlop.ports.blobs import BlobStage, Staged
from orlop.ports.catalog import BlobLinks, By, UploadCommit, UploadExpiry
from orlop.ports.catalog import Uploads as UploadRows
from orlop.ports.clock import Clock, Ids

#: After how many bytes of one request the session advances, so that a crash costs no more than these.
CHECKPOINT = 64 * 1024 * 1024


class UploadLimits(msgspec.Struct, frozen=True):
    """Bounds on a session. Times in microseconds, sizes in bytes; `blob_bytes` 0 means that the disk decides."""

    expire: int
    lease: int
    blob_bytes: int = 0


class Body(msgspec.Struct, frozen=True):
    """What a request brings: its bytes, and what it says of them beforehand."""

    pieces: AsyncIterator[bytes]
    length: int | None = None
    """Content-Length; None when the body is streamed."""
    chunk: ChunkRange | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it says that it brings nothing."""
        return self.length == 0


class Uploads:
    """Begins, feeds, finishes and cancels sessions. Any process may take any step of any session."""

    def __init__(
        self,
        rows: UploadRows,
        expiry: UploadExpiry,
        links: BlobLinks,
        stage: BlobStage,
        clock: Clock,
        ids: Ids,
        limits: UploadLimits,
    ) -> None:
        self._rows = rows
        self._expiry = expiry
        self._links = links
        self._stage = stage
        self._clock = clock
        self._ids = ids
        self._limits = limits

    async def start(self, repository: RepositoryName, subject: Subject, algorithm: str = CANONICAL) -> Upload:
        """A new session."""
        upload = self._new(repository, subject, algorithm)
        await self._rows.start(upload)
        return upload

    async def status(self, repository: RepositoryName, upload: str) -> Upload:
        """Where a session stands. Raises BlobUploadUnknown."""
        return await self._rows.get(repository, upload, self._clock.now())

    async def append(self, repository: RepositoryName, upload: str, body: Body) -> Upload:
        """Take a chunk. Raises UploadRangeInvalid for one that starts elsewhere, with the session as it was.

        When the body breaks off (BodyInterrupted), what arrived is kept, and the session can go on from there.
        """
        claimed = await self._claim(repository, upload, body, target=None)
        claimed, staged = await self._receive(claimed, body, claimed.algorithm)
        return await self._advance(claimed, staged, lease=0)

    async def finish(
        self, repository: RepositoryName, upload: str, digest: Digest, body: Body, subject: Subject
    ) -> Blob:
        """Take the last bytes, if there are any, and turn the session into a blob of the repository.

        Raises DigestInvalid when the content is not what `digest` says; the session then stands where it stood before.
        """
        return await self._complete(await self._claim(repository, upload, body, target=digest), digest, body, subject)

    async def push(self, repository: RepositoryName, digest: Digest, body: Body, subject: Subject) -> Blob:
        """A whole blob in one request. Raises DigestInvalid."""
        fresh = self._new(repository, subject, digest.algorithm)
        await self._rows.start(fresh)
        claimed = await self._rows.claim(
            repository, fresh.id, now=fresh.started_at, lease_until=self._lease_until(), target=digest
        )
        try:
            return await self._complete(claimed, digest, body, subject)
        except RegistryError:
            await self.cancel(repository, fresh.id)  # nobody was told of the session
            raise

    async def cancel(self, repository: RepositoryName, upload: str) -> None:
        """End a session and drop its bytes. Raises BlobUploadUnknown."""
        await self._expiry.cancel(repository, upload, self._clock.now())
        await self._stage.discard(upload)

    def _new(self, repository: RepositoryName, subject: Subject, algorithm: str) -> Upload:
        now = self._clock.now()
        return Upload(
            id=self._ids.new(),
            repository=repository,
            created_by=subject.name,
            algorithm=algorithm,
            started_at=now,
            expires_at=now + self._limits.expire,
        )

    def _lease_until(self) -> int:
        return self._clock.now() + self._limits.lease

    async def _claim(self, repository: RepositoryName, upload: str, body: Body, target: Digest | None) -> Upload:
        """Check a chunk against the session before and after claiming it: the first look costs no write."""
        now = self._clock.now()
        check_chunk((await self._rows.get(repository, upload, now)).offset, body.chunk, body.length)
        claimed = await self._rows.claim(
            repository, upload, now=now, lease_until=now + self._limits.lease, target=target
        )
        try:
            check_chunk(claimed.offset, body.chunk, body.length)
        except BlobUploadInvalid:
            await self._let_go(claimed)
            raise
        return claimed

    async def _receive(self, claimed: Upload, body: Body, algorithm: str) -> tuple[Upload, Staged]:
        """Stage a body, advancing the session as it goes; the session, still claimed, and how far the stage has come.

        When that fails, the session is let go: at the end of what arrived if the body broke off, else where it was last
        known to be sound.
        """
        try:
            writer = await self._stage.open(claimed.id, claimed.offset, algorithm)
        except RegistryError:
            await self._let_go(claimed)
            raise
        started = claimed.offset
        try:
            async for piece in body.pieces:
                await writer.write(piece)
                self._check_size(writer.offset)
                if writer.offset - claimed.offset >= CHECKPOINT:
                    claimed = await self._advance(claimed, await writer.checkpoint(), lease=self._lease_until())
                elif self._clock.now() > claimed.lease_until - self._limits.lease // 2:
                    so_far = Staged(claimed.offset, claimed.digest)
                    claimed = await self._advance(claimed, so_far, lease=self._lease_until())
            if body.chunk is not None and writer.offset - started != body.chunk.length:
                raise BlobUploadInvalid(
                    f"Content-Range announces {body.chunk.length} bytes, {writer.offset - started} arrived"
                )
            return claimed, await writer.checkpoint()
        except BodyInterrupted:
            await self._advance(claimed, await writer.checkpoint(), lease=0)
            raise
        except RegistryError:
            await self._let_go(claimed)
            raise
        finally:
            await writer.close()

    def _check_size(self, size: int) -> None:
        limit = self._limits.blob_bytes
        if limit and size > limit:
            raise TooLarge(f"a blob has at most {limit} bytes here", limit=limit)

    async def _complete(self, claimed: Upload, digest: Digest, body: Body, subject: Subject) -> Blob:
        before = claimed
        staged = Staged(claimed.offset, claimed.digest)
        try:
            if claimed.offset == 0 or not body.is_empty:
                algorithm = digest.algorithm if claimed.offset == 0 else claimed.algorithm
                claimed, staged = await self._receive(claimed, body, algorithm)
            actual = staged.digest
            if actual is None or actual.algorithm != digest.algorithm:
                actual = await self._stage.digest(claimed.id, staged.offset, digest.algorithm)
            if actual != digest:
                raise DigestInvalid(
                    f"the content has the digest {actual}, not {digest}", {"expected": digest, "actual": actual}
                )
            return await self._record(claimed, digest, staged.offset, subject)
        except RegistryError as error:
            # A body that broke off was kept and let go already; everything else goes back to where it stood before.
            if not isinstance(error, BodyInterrupted):
                await self._let_go(msgspec.structs.replace(claimed, offset=before.offset, digest=before.digest))
            raise

    async def _record(self, claimed: Upload, digest: Digest, size: int, subject: Subject) -> Blob:
        by = By(subject.name, self._clock.now())
        stored = await self._links.stored(digest)
        if stored is not None and stored.size == size:
            linked = await self._rows.commit(UploadCommit(claimed, stored, promoted=False), by)
            if linked is not None:
                await self._stage.discard(claimed.id)
                await self._expiry.forget(claimed.id, by.at)
                return linked
        blob = Blob(BlobKey(digest, claimed.id.replace("-", "")), size)
        await self._stage.promote(claimed.id, blob)
        linked = await self._rows.commit(UploadCommit(claimed, blob, promoted=True), by)
        assert linked is not None, "only a commit without a promotion can find its copy gone"
        return linked

    async def _advance(self, claimed: Upload, staged: Staged, *, lease: int) -> Upload:
        return await self._rows.advance(
            claimed,
            offset=staged.offset,
            digest=staged.digest if staged.digest and staged.digest.algorithm == claimed.algorithm else None,
            lease_until=lease,
            expires_at=self._clock.now() + self._limits.expire,
        )

    async def _let_go(self, claimed: Upload) -> None:
        """Give the session back as it stands; one that was lost meanwhile is somebody else's now."""
        try:
            await self._advance(claimed, Staged(claimed.offset, claimed.digest), lease=0)
        except RegistryError:
            return
