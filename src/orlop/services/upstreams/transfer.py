"""One blob on its way from an upstream: into the store, and at the same time to everybody who waits for it.

One process fetches it, as the holder of an upload session that all know by its ticket; what others read is what stands
on the session's stage. The last byte is told to nobody before all of them were verified. Whoever leaves ends nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress

import msgspec

from orlop.domain.blob import Blob
from orlop.domain.digest import Digest
from orlop.domain.durations import MINUTE, SECOND
from orlop.domain.errors import (
    BlobUnknown,
    BlobUploadUnknown,
    ContentCorrupt,
    Denied,
    RegistryError,
    TooManyRequests,
    Unavailable,
)
from orlop.domain.names import RepositoryName
from orlop.domain.upload import Upload
from orlop.domain.upstreams.budget import Need
from orlop.domain.upstreams.showing import Showing
from orlop.ports.blobs import BlobStage, StageWriter
from orlop.ports.catalog import BlobLinks, By, UploadCommit, UploadExpiry, Uploads
from orlop.ports.clock import Clock, Ids
from orlop.ports.upstreams import Remotes
from orlop.services.content.claims import ClaimedSession, Recording, UploadLimits
from orlop.services.content.copies import Copies
from orlop.services.tags.terms import WriteTerms
from orlop.services.upstreams.answers import for_clients
from orlop.services.upstreams.arriving import LOOK, ArrivingBlob
from orlop.services.upstreams.turns import ticket

#: What is on its way into a cache holds none of the room that pushes above its upstream have to find.
_HOLDS_NOTHING = -1
#: How long a session is held without a sign of life, and how long one that broke off waits to be gone on with.
LIMITS = UploadLimits(expire=60 * MINUTE, lease=10 * SECOND)
#: How often the session says how far it came, in seconds; others read so far.
_BEAT = 0.5
#: After which part of its lease the session is held on to, whether or not anything came.
_RENEWED = LIMITS.lease // 5
#: How often a stage is tried to be opened, with a look's time between, before another session takes its place.
_PATIENCE = 20
#: How long those who read are waited for when what was fetched is not kept, in seconds.
_LINGER = 3600.0


class Wanted(msgspec.Struct, frozen=True):
    """A blob of a repository here, and where it is to come from."""

    showing: Showing
    remote: RepositoryName
    repository: RepositoryName
    digest: Digest
    size: int
    need: Need = Need.FIRST


class Stores(msgspec.Struct, frozen=True):
    """What a transfer reads and writes."""

    rows: Uploads
    expiry: UploadExpiry
    links: BlobLinks
    stage: BlobStage
    copies: Copies
    recording: Recording
    remotes: Remotes
    terms: WriteTerms
    clock: Clock
    ids: Ids


class Transfer(ArrivingBlob):
    """See the module. `run` does it, once."""

    def __init__(self, wanted: Wanted, stores: Stores) -> None:
        super().__init__(wanted.size, stores.stage, stores.copies)
        self.wanted = wanted
        self._stores = stores
        self._ticket = ticket(wanted.repository, wanted.digest)
        self._unopened = 0
        self._writing = asyncio.Lock()

    async def run(self) -> None:
        """Fetch it, or follow whoever does. Whatever comes of it is told to those who joined."""
        try:
            while self._blob is None and self._failure is None:
                claim = await self._claim()
                if claim is not None:
                    await self._fetch(claim)
                if self._blob is None:
                    await asyncio.sleep(LOOK)
        except RegistryError as failure:
            self._failure = for_clients(failure, BlobUnknown)
        finally:
            if self._blob is None and self._failure is None:
                self._failure = Unavailable("the registry stopped to fetch it; try again")
            self._tell()

    async def _claim(self) -> ClaimedSession | None:
        """The session, if it is this process that fetches; None, with what is known of it, while another one does, or
        when it has just ended."""
        wanted, stores, now = self.wanted, self._stores, self._stores.clock.now()
        try:
            found = await stores.rows.begun(wanted.repository, self._ticket, now)
            if found is None:
                linked = await stores.links.find(wanted.repository, wanted.digest)
                if linked is not None:
                    self._done(linked.blob)
                    return None
                upload = self._new(now)
                await stores.rows.start(upload, target=wanted.digest, ticket=self._ticket)
                return self._claimed(upload)
            if found.lease_until > now:
                self._follow(found)
                return None
            claimed = await stores.rows.claim(
                wanted.repository,
                found.id,
                now=now,
                lease_until=now + LIMITS.lease,
                target=wanted.digest,
                reserved=_HOLDS_NOTHING,
            )
            return self._claimed(claimed)
        except TooManyRequests:  # somebody was faster
            return None
        except BlobUploadUnknown:  # it is over: this moment, or long ago and nobody cleared it away
            await stores.rows.give_up(self._ticket, now)
            return None

    def _new(self, now: int) -> Upload:
        return Upload(
            id=self._stores.ids.new(),
            repository=self.wanted.repository,
            created_by=actor(self.wanted.showing),
            algorithm=self.wanted.digest.algorithm,
            fence=1,
            lease_until=now + LIMITS.lease,
            started_at=now,
            expires_at=now + LIMITS.expire,
            reserved=_HOLDS_NOTHING,
        )

    def _claimed(self, upload: Upload) -> ClaimedSession:
        self._follow(upload)
        return ClaimedSession(self._stores.rows, self._stores.clock, LIMITS, upload)

    def _follow(self, upload: Upload) -> None:
        """What stands on the stage of a session may be read. Readers who had more than is known of it are lost: what
        comes now need not be the rest of what they have."""
        if upload.id != self._upload:
            self._restart(0)
            self._upload = upload.id
        self._place = upload.place
        if upload.offset > self._arrived:
            self._window.clear()
            self._arrived = self._window_start = upload.offset
        self._verified = upload.offset == self.wanted.size and upload.digest == self.wanted.digest
        self._tell()

    async def _fetch(self, claim: ClaimedSession) -> None:
        """Fetch what is missing, verify, keep. Raises what the upstream does: then what came is kept to go on with.
        Returns as well when somebody else has the session, or what was staged is gone."""
        offset = claim.upload.offset
        self._restart(offset)
        try:
            writer = await self._opened(claim)
            try:
                async with self._holding(claim, writer):
                    await self._receive(claim, writer)
                    await writer.close()
                    await self._verify(claim)
                    await self._keep(claim)
            finally:
                await writer.close()
        except ContentCorrupt:
            await self._drop(claim)
            raise
        except BlobUploadUnknown:
            await claim.give_back()
        except (RegistryError, asyncio.CancelledError):
            await claim.give_back()
            raise

    async def _opened(self, claim: ClaimedSession) -> StageWriter:
        """The stage of a session. One that another process does not let go, or that is gone, is waited for a while, and
        then begun anew. Raises BlobUploadUnknown."""
        upload = claim.upload
        try:
            with _ours():
                return await self._stores.stage.open(
                    upload.id, upload.offset, self.wanted.digest.algorithm, upload.place
                )
        except BlobUploadUnknown:
            self._unopened += 1
            if self._unopened > _PATIENCE:
                self._unopened = 0
                await self._drop(claim)
            raise

    async def _receive(self, claim: ClaimedSession, writer: StageWriter) -> None:
        """Write what comes onto the stage, and tell it to those who read."""
        wanted, offset = self.wanted, claim.upload.offset
        try:
            remote = await self._stores.remotes.repository(wanted.showing, wanted.remote, wanted.need)
            async with aclosing(remote.read_blob(wanted.digest, wanted.size, offset)) as pieces:
                async for piece in pieces:
                    async with self._writing:
                        with _ours():
                            await writer.write(piece)
                    self._take(piece)
        except (RegistryError, asyncio.CancelledError):
            async with self._writing:
                with suppress(RegistryError):
                    claim.staged = await writer.checkpoint()
            raise
        self._verified = offset == 0  # the stream itself verified it
        self._tell()
        async with self._writing:
            with _ours():
                claim.staged = await writer.checkpoint()

    @asynccontextmanager
    async def _holding(self, claim: ClaimedSession, writer: StageWriter) -> AsyncIterator[None]:
        """Hold on to the session while the block lasts, however long nothing comes; BlobUploadUnknown out of the block
        when it was lost."""
        try:
            async with asyncio.timeout(None) as lost:
                beating = asyncio.create_task(self._beat(claim, writer, lost))
                try:
                    yield
                finally:
                    beating.cancel()
                    await asyncio.wait({beating})
        except TimeoutError as over:
            raise BlobUploadUnknown("somebody else has the session") from over

    async def _beat(self, claim: ClaimedSession, writer: StageWriter, lost: asyncio.Timeout) -> None:
        """Tell other processes now and then how far it came, and renew the lease in time; end `lost` when the session
        was lost."""
        while True:
            await asyncio.sleep(_BEAT)
            try:
                async with self._writing:
                    if writer.offset > claim.staged.offset:
                        claim.staged = await writer.progress()
                    elif self._stores.clock.now() < claim.upload.lease_until - LIMITS.lease + _RENEWED:
                        continue
                    await claim.renew()
                    self._place = claim.upload.place
            except BlobUploadUnknown:
                lost.reschedule(asyncio.get_running_loop().time())
                return
            except RegistryError:  # the catalog, or the store, is away: perhaps not for long
                continue

    async def _verify(self, claim: ClaimedSession) -> None:
        """Raises ContentCorrupt."""
        wanted, staged = self.wanted, claim.staged
        actual = staged.digest
        if actual is None or actual.algorithm != wanted.digest.algorithm:
            actual = await self._stores.stage.digest(
                claim.upload.id, staged.offset, wanted.digest.algorithm, staged.place
            )
        if actual != wanted.digest or staged.offset != wanted.size:
            raise ContentCorrupt(f"blob {wanted.digest} of {wanted.remote}: the bytes that came are {actual}")
        self._place, self._verified = staged.place, True
        self._tell()

    async def _keep(self, claim: ClaimedSession) -> None:
        """Make it a blob of the repository; what may not be kept is told to those who read, and then dropped."""
        wanted, stores = self.wanted, self._stores
        who = By(actor(wanted.showing), stores.clock.now())

        async def commit(blob: Blob, *, promoted: bool) -> Blob | None:
            return await stores.terms.keep(
                lambda: stores.terms.cached(wanted.showing.path, wanted.repository),
                lambda terms: stores.rows.commit(UploadCommit(claim.upload, blob, promoted=promoted, terms=terms), who),
            )

        try:
            self._done(await stores.recording.record(claim, wanted.digest, who.at, commit))
        except Denied:
            await claim.renew()  # who follows learns that all of it is here
            await self._linger()
            await self._drop(claim)
            self._failure = Unavailable(f"blob {wanted.digest} came, and there is no room to keep it; try again")

    async def _linger(self) -> None:
        """Wait for those who read, for a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINGER):
                while self._readers:
                    await asyncio.shield(self._news)

    async def _drop(self, claim: ClaimedSession) -> None:
        """End the session with all that it brought; what fails here runs out by itself."""
        now = self._stores.clock.now()
        with suppress(RegistryError):
            await self._stores.expiry.cancel(claim.upload.repository, claim.upload.id, now)
            await self._stores.stage.discard(claim.upload.id)
            await self._stores.expiry.forget(claim.upload.id, now)

    def _done(self, blob: Blob) -> None:
        if not self._verified and blob.key.copy != self._upload.replace("-", ""):
            self._restart(0)  # it came another way
        self._blob, self._verified = blob, True
        self._tell()


@contextmanager
def _ours() -> Iterator[None]:
    """A stage that another process writes to, which has not noticed yet that it lost the session, is not ours yet."""
    try:
        yield
    except TooManyRequests as busy:
        raise BlobUploadUnknown(busy.message) from busy


def actor(showing: Showing) -> str:
    """Who it is that writes what an upstream brought, in history and audit log."""
    return f"upstream:{showing.name}"
