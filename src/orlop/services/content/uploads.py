"""Blob uploads, from the first byte to the link: claim, stage, verify, promote, commit, in that order and no other."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import msgspec

from orlop.domain.access import Caller
from orlop.domain.blob import Blob
from orlop.domain.digest import CANONICAL, Digest, digest_of
from orlop.domain.errors import (
    BlobUploadInvalid,
    BlobUploadUnknown,
    BodyInterrupted,
    Denied,
    DigestInvalid,
    RegistryError,
    TooLarge,
    Unavailable,
)
from orlop.domain.names import RepositoryName
from orlop.domain.quotas import QUOTAS
from orlop.domain.sizes import size_words
from orlop.domain.upload import ChunkRange, Ticket, Upload, UploadState, check_chunk
from orlop.ports.blobs import CHECKPOINT, BlobStage, Staged, StageWriter, StoreSpace
from orlop.ports.catalog import BlobLinks, UploadCommit, UploadExpiry, by
from orlop.ports.catalog import Uploads as UploadRows
from orlop.ports.clock import Clock, Ids
from orlop.services.access.decisions import Access
from orlop.services.content.claims import ClaimedSession, Recording, UploadLimits
from orlop.services.content.copies import Copies
from orlop.services.tags.terms import WriteTerms

#: How many bytes the first chunk of a session may have to be read whole before the session begins: about as many as
#: come in one go, and are hashed in passing.
WHOLE = 256 * 1024
#: How many bytes of such chunks are held at a time; beyond it they go the way of large ones.
HELD = 32 * 1024 * 1024
#: How long a client that is refused waits for its upload to be cleared away, in seconds.
FORSAKE = 2.0


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

    @property
    def announced(self) -> int:
        """How many bytes it needs room for before it comes: of a stream that does not say, at least one. Of a little
        that is here as soon as its head is none."""
        if self.length is None:
            return self.chunk.length if self.chunk is not None else 1
        return self.length if self.length > WHOLE else 0


class Uploads:
    """Begins, feeds, finishes and cancels sessions. Any process may take any step of any session."""

    def __init__(
        self,
        rows: UploadRows,
        expiry: UploadExpiry,
        links: BlobLinks,
        stage: BlobStage,
        copies: Copies,
        access: Access,
        terms: WriteTerms,
        clock: Clock,
        ids: Ids,
        limits: UploadLimits,
        space: StoreSpace | None = None,
    ) -> None:
        self._rows = rows
        self._space = space
        self._expiry = expiry
        self._links = links
        self._stage = stage
        self._copies = copies
        self._access = access
        self._terms = terms
        self._clock = clock
        self._ids = ids
        self._limits = limits
        self._recording = Recording(expiry, links, stage, copies)
        self._held = 0

    async def start(self, repository: RepositoryName, caller: Caller, algorithm: str = CANONICAL) -> Upload:
        """A ticket for a session, which begins with its first bytes: nothing is recorded before (docs/adr/024).

        Raises what refuses the caller a new repository, where it would be one.
        """
        await self._check_new(caller, repository)
        return self._not_begun(repository, Ticket(self._ids.new(), algorithm, self._clock.now()), caller)

    async def _check_new(self, caller: Caller, repository: RepositoryName) -> None:
        """Raises what a new repository is refused with, where it would be one, and any push where none is taken."""
        await self._terms.check_push(caller, repository)
        await self._access.check_new(caller, repository)

    async def status(self, repository: RepositoryName, upload: str, caller: Caller) -> Upload:
        """Where a session stands, by its id or its ticket. Raises BlobUploadUnknown, as everything about a session
        that another began."""
        now, ticket = self._clock.now(), Ticket.read(upload)
        if ticket is None:
            found = await self._rows.get(repository, upload, now)
        else:
            begun = await self._rows.begun(repository, upload, now)
            found = begun or self._not_begun(repository, ticket, caller)
        subject = caller.subject
        if not found.belongs_to(subject.name, subject.id) or (found.ticket and found.state(now) is UploadState.EXPIRED):
            raise BlobUploadUnknown(f"there is no upload {upload[:64]} in this repository; begin a new one")
        return found

    async def append(self, repository: RepositoryName, upload: str, body: Body, caller: Caller) -> Upload:
        """Take a chunk. Raises UploadRangeInvalid for one that starts elsewhere, with the session as it was;
        TooManyRequests for who has too many sessions, when it is the first.

        When the body breaks off (BodyInterrupted), what arrived is kept, and the session can go on from there; of a
        small first chunk nothing is.
        """
        found = await self.status(repository, upload, caller)
        if found.ticket and body.length and body.length <= min(WHOLE, HELD - self._held):
            with self._holding(body.length):
                return await self._begin_with(found, body, caller)
        claim = await self._claim(found, body, caller, target=None)
        async with self._cleared_if_over(claim):
            await self._receive(claim, body, claim.upload.algorithm)
            return await claim.let_go()

    async def finish(self, repository: RepositoryName, upload: str, digest: Digest, body: Body, caller: Caller) -> Blob:
        """Take the last bytes, if there are any, and turn the session into a blob of the repository.

        Raises DigestInvalid when the content is not what `digest` says; the session then stands where it stood before.

        The end of a session may arrive twice: a balancer, or a client, repeats what got no answer. A session that is
        gone from a repository that holds what it was to become has ended well. By its ticket that cannot be seen: then
        it has not begun, and what was not sent again is missing.
        """
        try:
            found = await self.status(repository, upload, caller)
            if body.is_empty and _is_ready(found, digest, self._clock.now()):
                claim = self._claimed(found)
            else:
                claim = await self._claim(found, body, caller, target=digest)
            room = self._holding_none(claim.upload.id)
            async with self._cleared_if_over(claim), room:
                return await self._complete(claim, digest, body, caller)
        except BlobUploadUnknown:
            linked = await self._linked(repository, digest, caller)
            if linked is None:
                raise
            return linked

    async def _linked(self, repository: RepositoryName, digest: Digest, caller: Caller) -> Blob | None:
        """A blob of the repository, and keep it for whoever is told of it."""
        if not await self._links.keep(repository, digest, by(caller, self._clock.now())):
            return None
        found = await self._links.find(repository, digest)
        return found.blob if found is not None else None

    async def push(self, repository: RepositoryName, digest: Digest, body: Body, caller: Caller) -> Blob:
        """A whole blob in one request. Raises DigestInvalid, or what refuses the caller a new repository."""
        claim = await self._begin(repository, digest.algorithm, body, caller, target=digest)
        try:
            return await self._complete(claim, digest, body, caller)
        except RegistryError:
            await self._forsake(repository, claim.upload.id, caller)
            raise

    @asynccontextmanager
    async def _holding_none(self, upload: str) -> AsyncIterator[None]:
        """Have a session that there is no room for hold none until somebody goes on with it. It stays: clients that try
        again are told the same again, not that it is gone."""
        try:
            yield
        except Denied as refusal:
            if refusal.kind == QUOTAS.kind:
                await self._rows.hold_none(upload)
            raise

    async def _forsake(self, repository: RepositoryName, upload: str, caller: Caller) -> None:
        """End a session that nobody was told of. What its store does not drop soon goes when the session expires: the
        client waits for its answer, and it may be that very store that does not answer."""
        with suppress(RegistryError, TimeoutError):
            async with asyncio.timeout(FORSAKE):
                await self.cancel(repository, upload, caller)

    async def cancel(self, repository: RepositoryName, upload: str, caller: Caller) -> None:
        """End a session and drop its bytes. Raises BlobUploadUnknown.

        One that has not begun leaves a row that says so, until that is cleared away: whoever then comes with its ticket
        begins a session that has nothing of this one.
        """
        found = await self.status(repository, upload, caller)
        if found.ticket:
            over = msgspec.structs.replace(self._new(repository, found.algorithm, caller), expires_at=0)
            await self._rows.start(over, ticket=found.ticket)
        else:
            await self._expiry.cancel(repository, found.id, self._clock.now())
            await self._stage.discard(found.id)

    def _not_begun(self, repository: RepositoryName, ticket: Ticket, caller: Caller) -> Upload:
        """What a ticket stands for."""
        return Upload(
            id=ticket.text(),
            repository=repository,
            created_by=caller.subject.name,
            owner=caller.subject.id,
            algorithm=ticket.algorithm,
            started_at=ticket.started_at,
            expires_at=ticket.started_at + self._limits.expire,
            ticket=ticket.text(),
        )

    def _new(self, repository: RepositoryName, algorithm: str, caller: Caller) -> Upload:
        """What a row begins with: nothing of it comes from a ticket, which anybody may have written."""
        now = self._clock.now()
        return Upload(
            id=self._ids.new(),
            repository=repository,
            created_by=caller.subject.name,
            owner=caller.subject.id,
            algorithm=algorithm,
            fence=1,
            started_at=now,
            expires_at=now + self._limits.expire,
        )

    async def _begin(
        self,
        repository: RepositoryName,
        algorithm: str,
        body: Body,
        caller: Caller,
        *,
        target: Digest | None,
        ticket: str = "",
    ) -> ClaimedSession:
        """A session that this request writes to. Raises what refuses the caller a new repository, or that there is no
        room for what the body announces; TooManyRequests."""
        await self._check_new(caller, repository)
        new = self._new(repository, algorithm, caller)
        upload = msgspec.structs.replace(new, lease_until=new.started_at + self._limits.lease, reserved=body.announced)
        room = await self._terms.room(repository) if upload.reserved else ()
        await self._rows.start(upload, self._limits.sessions, target=target, ticket=ticket, room=room)
        return self._claimed(upload)

    async def _begin_with(self, ticket: Upload, body: Body, caller: Caller) -> Upload:
        """Begin a session with all of a small chunk, in one step: its row says from the start what is about to be on
        its stage. Nobody else knows its id before that is so; a small stage is not believed in any case."""
        check_chunk(0, body.chunk, body.length)
        await self._check_new(caller, ticket.repository)
        content = b"".join([piece async for piece in body.pieces])
        self._check_size(len(content))
        _check_received(len(content), body)
        new = self._new(ticket.repository, ticket.algorithm, caller)
        await self._check_space(len(content))
        writer = await self._stage.open(new.id, 0, new.algorithm)
        try:
            digest, place = digest_of(content, new.algorithm), writer.place(len(content))
            upload = msgspec.structs.replace(new, offset=len(content), digest=digest, place=place)
            await self._rows.start(upload, self._limits.sessions, ticket=ticket.ticket)
            claim = self._claimed(upload)
            async with self._cleared_if_over(claim):
                try:
                    await writer.write(content)
                    await writer.checkpoint()
                except RegistryError:
                    claim.staged = Staged(0, None)
                    await claim.give_back()
                    raise
        finally:
            await writer.close()
        return upload

    @contextmanager
    def _holding(self, size: int) -> Iterator[None]:
        self._held += size
        try:
            yield
        finally:
            self._held -= size

    @asynccontextmanager
    async def _cleared_if_over(self, claim: ClaimedSession) -> AsyncIterator[None]:
        """Drop the stage of a session that ended while it was written: whoever ended it came before the last bytes."""
        try:
            yield
        except BlobUploadUnknown:
            try:
                await self._rows.get(claim.upload.repository, claim.upload.id, self._clock.now())
            except BlobUploadUnknown:
                await self._stage.discard(claim.upload.id)
            raise

    def _claimed(self, upload: Upload) -> ClaimedSession:
        return ClaimedSession(self._rows, self._clock, self._limits, upload)

    async def _claim(self, found: Upload, body: Body, caller: Caller, target: Digest | None) -> ClaimedSession:
        """Check a chunk against the session before and after claiming it: the first look costs no write. One that has
        not begun, begins."""
        check_chunk(found.offset, body.chunk, body.length)
        if found.ticket:
            return await self._begin(
                found.repository, found.algorithm, body, caller, target=target, ticket=found.ticket
            )
        now = self._clock.now()
        room = await self._terms.room(found.repository) if body.announced else ()
        async with self._holding_none(found.id):
            claimed = await self._rows.claim(
                found.repository,
                found.id,
                now=now,
                lease_until=now + self._limits.lease,
                target=target,
                reserved=found.offset + body.announced if body.announced else 0,
                room=room,
            )
        claim = self._claimed(claimed)
        try:
            check_chunk(claim.upload.offset, body.chunk, body.length)
        except BlobUploadInvalid:
            await claim.give_back()
            raise
        return claim

    async def _receive(self, claim: ClaimedSession, body: Body, algorithm: str) -> None:
        """Stage a body, advancing the claim as it goes, and hold on to the claim.

        When that fails the session is given back, once its stage is closed: at the end of what arrived if the body
        broke off, else where it was last known to be sound.
        """
        try:
            upload = claim.upload
            # What is too large is refused as that, however much room there is.
            announced, limit = body.length or 0, self._limits.blob_bytes
            await self._check_space(min(announced, limit) if limit else announced)
            writer = await self._stage.open(upload.id, upload.offset, algorithm, upload.place)
            try:
                await self._stream(claim, writer, body)
            finally:
                await writer.close()
        except RegistryError:
            await claim.give_back()
            raise

    async def _stream(self, claim: ClaimedSession, writer: StageWriter, body: Body) -> None:
        started = writer.offset
        try:
            async for piece in body.pieces:
                await writer.write(piece)
                self._check_size(writer.offset)
                if writer.offset - claim.staged.offset >= CHECKPOINT:
                    await self._check_space(0)
                    claim.staged = await writer.progress()
                    await claim.renew()
                elif claim.is_half_over:
                    await claim.renew()
        except BodyInterrupted:
            claim.staged = await writer.checkpoint()
            raise
        _check_received(writer.offset - started, body)
        claim.staged = await writer.checkpoint()

    async def _check_space(self, size: int) -> None:
        """Raises Unavailable where so many bytes more would take what the store's disk keeps free: in time, so that
        the registry goes on."""
        space = await self._space.space() if self._space is not None else None
        if space is not None and space.free - size < space.reserve:
            raise Unavailable(
                f"storing the upload failed: the disk is full but for what is kept free: {size_words(space.free)} are"
                f" free, and {size_words(space.reserve)} stay so; the registry's operator has to look, then try again"
            )

    def _check_size(self, size: int) -> None:
        limit = self._limits.blob_bytes
        if limit and size > limit:
            raise TooLarge(f"a blob has at most {limit} bytes here", limit=limit)

    async def _complete(self, claim: ClaimedSession, digest: Digest, body: Body, caller: Caller) -> Blob:
        before = claim.staged
        try:
            if before.offset == 0 or not body.is_empty:
                await self._receive(claim, body, digest.algorithm if before.offset == 0 else claim.upload.algorithm)
            actual = claim.staged.digest
            if actual is None or actual.algorithm != digest.algorithm:
                staged = claim.staged
                actual = await self._stage.digest(claim.upload.id, staged.offset, digest.algorithm, staged.place)
            if actual != digest:
                raise DigestInvalid(
                    f"the content has the digest {actual}, not {digest}", {"expected": digest, "actual": actual}
                )
            return await self._record(claim, digest, caller)
        except BodyInterrupted:
            raise  # what arrived is kept, and the session given back
        except RegistryError:
            claim.staged = before
            await claim.give_back()
            raise

    async def _record(self, claim: ClaimedSession, digest: Digest, caller: Caller) -> Blob:
        upload = claim.upload
        who = by(caller, self._clock.now())

        async def commit(blob: Blob, *, promoted: bool) -> Blob | None:
            return await self._terms.keep(
                lambda: self._terms.push(caller, upload.repository),
                lambda terms: self._rows.commit(UploadCommit(upload, blob, promoted=promoted, terms=terms), who),
            )

        return await self._recording.record(claim, digest, who.at, commit)


def _check_received(size: int, body: Body) -> None:
    if body.chunk is not None and size != body.chunk.length:
        raise BlobUploadInvalid(f"Content-Range announces {body.chunk.length} bytes, {size} arrived")


def _is_ready(upload: Upload, digest: Digest, now: int) -> bool:
    """Whether all of a blob is staged and nobody writes: then its end has nothing to keep others from."""
    return upload.offset > 0 and upload.digest == digest and upload.state(now) is UploadState.OPEN
