"""One blob on its way from an upstream: into the store, and at the same time to everybody who waits for it.

One process fetches it, as the holder of an upload session that all know by its ticket; what others read is what stands
on the session's stage. The last byte is told to nobody before all of them were verified. Whoever leaves ends nothing.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress

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
from orlop.domain.ranges import Span
from orlop.domain.upload import Upload
from orlop.domain.upstreams.showing import Showing
from orlop.ports.blobs import PIECE, BlobStage, StageWriter
from orlop.ports.catalog import BlobLinks, By, UploadCommit, UploadExpiry, Uploads
from orlop.ports.clock import Clock, Ids
from orlop.ports.upstreams import Remotes
from orlop.services.content.claims import ClaimedSession, Recording, UploadLimits
from orlop.services.content.copies import Copies
from orlop.services.tags.terms import WriteTerms
from orlop.services.upstreams.answers import for_clients
from orlop.services.upstreams.turns import ticket

#: What is on its way into a cache holds none of the room that pushes above its upstream have to find.
_HOLDS_NOTHING = -1
#: How much of what came last is held for those who keep up, in bytes.
WINDOW = 4 * 1024 * 1024
#: How long a session is held without a sign of life, and how long one that broke off waits to be gone on with.
LIMITS = UploadLimits(expire=60 * MINUTE, lease=10 * SECOND)
#: How often the session says how far it came, in microseconds; others read so far.
_TOLD_EVERY = SECOND // 2
#: How often a process that does not fetch looks how far the other one came, in seconds.
_LOOK = 0.1
#: How long those who read are waited for when what was fetched is not kept, in seconds.
_LINGER = 3600.0


class Wanted(msgspec.Struct, frozen=True):
    """A blob of a repository here, and where it is to come from."""

    showing: Showing
    remote: RepositoryName
    repository: RepositoryName
    digest: Digest
    size: int


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


class Transfer:
    """See the module. `run` does it, once; any number join."""

    def __init__(self, wanted: Wanted, stores: Stores) -> None:
        self.wanted = wanted
        self._stores = stores
        self._ticket = ticket(wanted.repository, wanted.digest)
        self._window: deque[bytes] = deque()
        self._window_start = 0
        self._arrived = 0
        self._verified = False
        self._upload = ""
        self._place = ""
        self._blob: Blob | None = None
        self._failure: RegistryError | None = None
        self._news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._readers = 0

    # --- those who read ---

    def join(self) -> "Joined":
        """The content, from now on."""
        self._readers += 1
        return Joined(self)

    def leave(self) -> None:
        """A reader is gone."""
        self._readers -= 1
        self._tell()

    async def begun(self) -> None:
        """Return when there is something to read. Raises what came instead."""
        while not self._told and not self._verified:
            self._refuse()
            await self._wait()

    async def part(self, position: int, most: int) -> bytes:
        """Bytes from a position on, when they are there. Raises BlobUnknown, ContentCorrupt, Unavailable."""
        while True:
            if position < self._told:
                piece = self._recent(position, most) or await self._stored(position, most)
                if piece:
                    return piece
            else:
                self._refuse()
            await self._wait()

    @property
    def _told(self) -> int:
        """How many bytes may be told."""
        return self.wanted.size if self._verified else min(self._arrived, self.wanted.size - 1)

    def _recent(self, position: int, most: int) -> bytes:
        start = self._window_start
        if position < start:
            return b""
        for piece in self._window:
            if position < start + len(piece):
                return piece[position - start : min(position - start + most, self._told - start)]
            start += len(piece)
        return b""

    async def _stored(self, position: int, most: int) -> bytes:
        """What stands in the store of it, as a copy or on the stage; nothing where it is not there yet."""
        span = Span(position, min(position + min(most, PIECE), self._told))
        if self._blob is not None:
            content = await self._stores.copies.open(self._blob)
            try:
                return await _first(content.chunks(span))
            finally:
                content.close()
        try:
            return await _first(self._stores.stage.read(self._upload, span, self._place))
        except BlobUploadUnknown:
            self._refuse()
            return b""

    def _refuse(self) -> None:
        if self._failure is not None:
            raise self._failure

    async def _wait(self) -> None:
        """For news; also, now and then, without any: what was written may have become readable."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK):
                await asyncio.shield(self._news)

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.get_running_loop().create_future()
        news.set_result(None)

    # --- the one who fetches ---

    async def run(self) -> None:
        """Fetch it, or follow whoever does. Whatever comes of it is told to those who joined."""
        try:
            while self._blob is None and self._failure is None:
                claim = await self._claim()
                if claim is not None:
                    await self._fetch(claim)
                else:
                    await asyncio.sleep(_LOOK)
        except RegistryError as failure:
            self._failure = for_clients(failure, BlobUnknown)
        except asyncio.CancelledError:
            self._failure = Unavailable("the registry is about to stop; try again")
            raise
        finally:
            self._tell()

    async def _claim(self) -> ClaimedSession | None:
        """The session, if it is this process that fetches; None, with what is known of it, while another one does."""
        wanted, stores, now = self.wanted, self._stores, self._stores.clock.now()
        upload = self._new(now)
        with suppress(TooManyRequests):
            await stores.rows.start(upload, target=wanted.digest, ticket=self._ticket)
            return self._claimed(upload)
        found = await stores.rows.begun(wanted.repository, self._ticket, now)
        if found is None:  # it has ended
            linked = await stores.links.find(wanted.repository, wanted.digest)
            if linked is not None:
                self._done(linked.blob)
            return None
        if found.lease_until <= now:
            with suppress(TooManyRequests):
                lease_until = now + LIMITS.lease
                claimed = await stores.rows.claim(
                    wanted.repository,
                    found.id,
                    now=now,
                    lease_until=lease_until,
                    target=wanted.digest,
                    reserved=_HOLDS_NOTHING,
                )
                return self._claimed(claimed)
        self._follow(found)
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
        """What stands on the stage of a session may be read."""
        self._upload, self._place = upload.id, upload.place
        if upload.offset > self._arrived:
            self._window.clear()
            self._arrived = self._window_start = upload.offset
        self._tell()

    async def _fetch(self, claim: ClaimedSession) -> None:
        """Fetch what is missing, verify, keep. Raises what the upstream does: then what came is kept to go on with."""
        wanted, offset = self.wanted, claim.upload.offset
        self._window.clear()
        self._arrived = self._window_start = offset
        try:
            remote = await self._stores.remotes.repository(wanted.showing, wanted.remote)
            writer = await self._stores.stage.open(claim.upload.id, offset, wanted.digest.algorithm, claim.upload.place)
            try:
                async with aclosing(remote.read_blob(wanted.digest, wanted.size, offset)) as pieces:
                    async for piece in pieces:
                        await writer.write(piece)
                        self._take(piece)
                        await self._note(claim, writer)
                self._verified = offset == 0  # the stream itself verified it
                self._tell()
                claim.staged = await writer.checkpoint()
            finally:
                await writer.close()
            await self._verify(claim)
        except ContentCorrupt:
            await self._drop(claim)
            raise
        except BlobUploadUnknown:
            return  # somebody else has the session, or what was staged is gone: look again
        except (RegistryError, asyncio.CancelledError):
            await claim.give_back()
            raise
        await self._keep(claim)

    def _take(self, piece: bytes) -> None:
        self._window.append(piece)
        self._arrived += len(piece)
        while self._arrived - self._window_start > WINDOW + len(self._window[0]):
            self._window_start += len(self._window.popleft())
        self._tell()

    async def _note(self, claim: ClaimedSession, writer: StageWriter) -> None:
        """Tell other processes now and then how far it came, and hold on to the session."""
        now = self._stores.clock.now()
        if now > claim.upload.lease_until - LIMITS.lease + _TOLD_EVERY:
            claim.staged = await writer.progress()
            await claim.renew()
            self._place = claim.upload.place

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
        self._blob, self._verified = blob, True
        self._tell()


class Joined:
    """See ports.blobs.BlobContent: a copy that is not all there yet."""

    def __init__(self, transfer: Transfer) -> None:
        self._transfer: Transfer | None = transfer
        self.size = transfer.wanted.size

    async def read(self) -> bytes:
        """See ports.blobs.BlobContent."""
        return b"".join([piece async for piece in self.chunks(Span(0, self.size))])

    async def chunks(self, span: Span, most: int = PIECE) -> AsyncIterator[bytes]:
        """See ports.blobs.BlobContent."""
        position = span.start
        while position < span.stop and self._transfer is not None:
            try:
                piece = await self._transfer.part(position, min(most, span.stop - position))
            except BlobUnknown as gone:  # too late to say it
                raise Unavailable(gone.message) from gone
            position += len(piece)
            yield piece

    def close(self) -> None:
        """See ports.blobs.BlobContent."""
        transfer, self._transfer = self._transfer, None
        if transfer is not None:
            transfer.leave()


def actor(showing: Showing) -> str:
    """Who it is that writes what an upstream brought, in history and audit log."""
    return f"upstream:{showing.name}"


async def _first(pieces: AsyncIterator[bytes]) -> bytes:
    async for piece in pieces:
        return piece
    return b""
