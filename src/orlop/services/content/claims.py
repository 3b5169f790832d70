"""Sessions while somebody writes to them, and how they end in a blob: for uploads of clients, and for what the registry
fetches itself."""

from contextlib import suppress
from typing import Protocol

import msgspec

from orlop.domain.blob import Blob, BlobKey
from orlop.domain.digest import Digest
from orlop.domain.errors import RegistryError
from orlop.domain.upload import Upload
from orlop.ports.blobs import BlobStage, Staged
from orlop.ports.catalog import BlobLinks, UploadExpiry
from orlop.ports.catalog import Uploads as UploadRows
from orlop.ports.clock import Clock
from orlop.services.content.copies import Copies

#: By which part of its life a session is at least extended: less is not worth that its place in two indexes changes.
WORTHWHILE = 60


class UploadLimits(msgspec.Struct, frozen=True):
    """Bounds on sessions. Times in microseconds, sizes in bytes; `blob_bytes` 0 means that the disk decides.

    `sessions`: how many somebody may have under way, wherever they began them; 0: any number.
    """

    expire: int
    lease: int
    blob_bytes: int = 0
    sessions: int = 0


class ClaimedSession:
    """A session while a request holds it or ends it: its row as last written, and how far its stage has come since."""

    def __init__(self, rows: UploadRows, clock: Clock, limits: UploadLimits, upload: Upload) -> None:
        self._rows = rows
        self._clock = clock
        self._limits = limits
        self.upload = upload
        self.staged = Staged(upload.offset, upload.digest, upload.place)

    @property
    def is_half_over(self) -> bool:
        """Whether it is time to renew the lease."""
        return self._clock.now() > self.upload.lease_until - self._limits.lease // 2

    async def renew(self) -> None:
        """Record how far the stage has come and hold on. Raises BlobUploadUnknown when the session was lost."""
        await self._advance(self._clock.now() + self._limits.lease)

    async def let_go(self) -> Upload:
        """Record how far the stage has come and let others in. Raises BlobUploadUnknown when the session was lost."""
        await self._advance(0)
        return self.upload

    async def give_back(self) -> None:
        """Let go after a failure, which matters more than whether this succeeds: a lease runs out by itself."""
        with suppress(RegistryError):
            await self._advance(0)

    async def _advance(self, lease_until: int) -> None:
        digest = self.staged.digest
        self.upload = await self._rows.advance(
            self.upload,
            offset=self.staged.offset,
            digest=digest if digest is not None and digest.algorithm == self.upload.algorithm else None,
            place=self.staged.place,
            lease_until=lease_until,
            expires_at=self._expiry(),
        )

    def _expiry(self) -> int:
        """When the session expires if nothing more comes."""
        before, after = self.upload.expires_at, self._clock.now() + self._limits.expire
        return before if 0 <= after - before < self._limits.expire // WORTHWHILE else after


class Commit(Protocol):
    """Ends a session in the catalog; None where the stored copy that was to be linked is gone."""

    async def __call__(self, blob: Blob, *, promoted: bool) -> Blob | None: ...


class Recording:
    """The end of a session whose stage has all bytes of a blob, and was verified."""

    def __init__(self, expiry: UploadExpiry, links: BlobLinks, stage: BlobStage, copies: Copies) -> None:
        self._expiry = expiry
        self._links = links
        self._stage = stage
        self._copies = copies

    async def record(self, claim: ClaimedSession, digest: Digest, now: int, commit: Commit) -> Blob:
        """Link the copy that is stored already, or make the stage one. Raises what `commit` does."""
        upload, size = claim.upload, claim.staged.offset
        stored = await self._links.stored(digest)
        if stored is not None and stored.size == size and await self._copies.is_there(stored):
            linked = await commit(stored, promoted=False)
            if linked is not None:
                await self._stage.discard(upload.id)
                await self._expiry.forget(upload.id, now)
                return linked
        blob = Blob(BlobKey(digest, upload.id.replace("-", "")), size)
        await self._stage.promote(upload.id, blob, claim.staged.place)
        linked = await commit(blob, promoted=True)
        assert linked is not None, "only a commit without a promotion can find its copy gone"
        return linked
