"""Makes a backup: the catalog at one point in time, then every blob that it names and that is not here yet.

While it runs, no collection removes a copy: its lease is what they look at (domain.backup.JOB). The backup itself is
written last; what a run that was killed had brought is found by the next.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager

import msgspec

from orlop.domain.backup import (
    FORMAT,
    HOLD,
    JOB,
    LIST,
    Backup,
    BackupFile,
    Damage,
    ListedBlob,
    NamedBackup,
    backup_key,
    blob_key,
    chunk_key,
    written,
)
from orlop.domain.blob import Blob, BlobKey
from orlop.domain.digest import digest_of
from orlop.domain.errors import Conflict, ContentCorrupt, Stale
from orlop.domain.ranges import Span
from orlop.ports.backup import BackupTarget, Snapshot, Snapshots, StoredKey
from orlop.ports.blobs import BlobReader
from orlop.ports.clock import SECOND, Clock, Ids
from orlop.ports.jobs import Lease, Leases
from orlop.services.backup.pace import Pace

#: Lines of the list that make a chunk of it, at least.
_LINES = 512
#: Blobs under way at a time.
_PARALLEL = 4
#: Bytes of a piece: every piece costs three turns of a thread.
_PIECE = 2 << 20
#: Bytes of chunks under way at a time.
_BATCH = 2 << 20


class BackupProgress(msgspec.Struct):
    """How far it came. Sizes in bytes."""

    chunks: int = 0
    new_chunks: int = 0
    blobs: int = 0
    new_blobs: int = 0
    size: int = 0
    new_size: int = 0
    total_blobs: int = 0


class BackupCreation:
    """Makes backups of one registry at one target. `stamp` writes a time as names of backups begin with it."""

    def __init__(
        self,
        snapshots: Snapshots,
        leases: Leases,
        reader: BlobReader,
        target: BackupTarget,
        clock: Clock,
        ids: Ids,
        stamp: Callable[[int], str],
        release: str,
        *,
        pace: Pace,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._snapshots = snapshots
        self._leases = leases
        self._reader = reader
        self._target = target
        self._clock = clock
        self._ids = ids
        self._stamp = stamp
        self._release = release
        self._pace = pace
        self._sleep = sleep

    async def run(
        self, done: BackupProgress, progress: Callable[[BackupProgress], None] = lambda _: None
    ) -> NamedBackup:
        """Make one; `done` counts. Blobs that the registry itself lost are named in it; the rest is kept all the same.

        May be stopped anywhere and run again. Raises Conflict while another backup of this registry runs, or something
        else writes to the target; Stale when its lease was lost; Unavailable.
        """
        async with self._target.occupied(), self._held() as hold:
            at = self._clock.now()
            async with self._snapshots.take() as snapshot:
                files = [await self._file(snapshot, file.name, file.columns, done, progress) for file in snapshot.files]
                files.append(await self._list(snapshot, done, progress))
                done.size = sum(file.size for file in files)
                damaged = await self._blobs(snapshot, hold, done, progress)
                await self._target.settle()
                await hold.check()
                backup = Backup(
                    FORMAT,
                    at,
                    self._clock.now(),
                    self._release,
                    snapshot.engine,
                    snapshot.schema,
                    done.blobs,
                    done.size,
                    tuple(files),
                    damaged,
                )
            name, content = written(backup, self._stamp(at))
            await self._target.write(backup_key(name), _once(content), len(content))
            await self._target.settle()
            return NamedBackup(name, backup)

    async def _file(
        self,
        snapshot: Snapshot,
        name: str,
        columns: tuple[str, ...],
        done: BackupProgress,
        progress: Callable[[BackupProgress], None],
    ) -> BackupFile:
        async with aclosing(snapshot.chunks(name)) as chunks:
            return await self._chunked(name, columns, chunks, done, progress)

    async def _list(
        self, snapshot: Snapshot, done: BackupProgress, progress: Callable[[BackupProgress], None]
    ) -> BackupFile:
        async def chunks() -> AsyncGenerator[bytes, None]:
            lines: list[bytes] = []
            async with aclosing(snapshot.blobs()) as pages:
                async for page in pages:
                    done.total_blobs += len(page)
                    for blob in page:
                        lines.append(blob.line())
                        # Cut where a digest says so, so that a blob more moves one cut and not all that follow.
                        if len(lines) >= _LINES and (blob.digest.hex[:2] == "00" or len(lines) >= 8 * _LINES):
                            yield b"".join(lines)
                            lines = []
            if lines:
                yield b"".join(lines)

        async with aclosing(chunks()) as cut:
            return await self._chunked(LIST, (), cut, done, progress)

    async def _chunked(
        self,
        name: str,
        columns: tuple[str, ...],
        chunks: AsyncIterator[bytes],
        done: BackupProgress,
        progress: Callable[[BackupProgress], None],
    ) -> BackupFile:
        size, digests = 0, list[str]()
        async with aclosing(_batches(chunks)) as batches:
            async for batch in batches:
                size += sum(map(len, batch))
                digests += await self._bring(batch, done)
                done.chunks += len(batch)
                progress(done)
        return BackupFile(name, size, tuple(digests), columns)

    async def _bring(self, batch: Sequence[bytes], done: BackupProgress) -> list[str]:
        """Write the chunks that are not there; the digests of all."""
        digests = [await asyncio.to_thread(digest_of, content) for content in batch]
        keys = [chunk_key(digest) for digest in digests]
        there = await self._target.present(
            [StoredKey(key, len(content)) for key, content in zip(keys, batch, strict=True)]
        )
        missing = {key: content for key, content in zip(keys, batch, strict=True) if key not in there}

        async def write(key: str, content: bytes) -> None:
            await self._pace.spend(len(content))
            await self._target.write(key, _once(content), len(content))

        await _all(write(key, content) for key, content in missing.items())
        done.new_chunks += len(missing)
        done.new_size += sum(map(len, missing.values()))
        return [str(digest) for digest in digests]

    async def _blobs(
        self, snapshot: Snapshot, hold: "_Hold", done: BackupProgress, progress: Callable[[BackupProgress], None]
    ) -> tuple[Damage, ...]:
        damaged: list[Damage] = []
        turns = asyncio.Semaphore(_PARALLEL)

        async def bring(blob: ListedBlob) -> None:
            async with turns:
                await hold.check()
                try:
                    await self._target.write(blob_key(blob.digest), self._verified(blob), blob.size)
                except ContentCorrupt as failure:
                    damaged.append(Damage(str(blob.digest), failure.message))
                    return
                done.new_blobs += 1
                done.new_size += blob.size
                _counted(blob)

        def _counted(blob: ListedBlob) -> None:
            done.blobs += 1
            done.size += blob.size
            progress(done)

        async with aclosing(snapshot.blobs()) as pages:
            async for page in pages:
                await hold.check()
                there = await self._present(page)
                for blob in page:
                    if blob_key(blob.digest) in there:
                        _counted(blob)
                await _all(bring(blob) for blob in page if blob_key(blob.digest) not in there)
        return tuple(sorted(damaged, key=lambda one: one.digest))

    async def _present(self, page: Sequence[ListedBlob]) -> frozenset[str]:
        return await self._target.present([StoredKey(blob_key(blob.digest), blob.size) for blob in page])

    async def _verified(self, blob: ListedBlob) -> AsyncGenerator[bytes, None]:
        """The bytes of a copy. Raises ContentCorrupt at their end when they are not those of its digest."""
        content = await self._reader.open(Blob(BlobKey(blob.digest, blob.copy), blob.size))
        try:
            state = hashlib.new(blob.digest.algorithm)
            async for piece in content.chunks(Span(0, blob.size), _PIECE):
                await self._pace.spend(len(piece))
                await asyncio.to_thread(state.update, piece)
                yield piece
            if state.hexdigest() != blob.digest.hex:
                raise ContentCorrupt(f"the stored bytes of {blob.digest} are not those that were pushed")
        finally:
            content.close()

    @asynccontextmanager
    async def _held(self) -> AsyncIterator["_Hold"]:
        now = self._clock.now()
        lease = await self._leases.acquire(JOB, self._ids.new(), now=now, until=now + HOLD)
        if lease is None:
            raise Conflict(
                "another backup of this registry runs, or was killed less than two minutes ago; try again then"
            )
        hold = _Hold(self._leases, lease, self._clock, self._sleep)
        renewing = asyncio.create_task(hold.keep())
        try:
            yield hold
        finally:
            renewing.cancel()
            await asyncio.wait([renewing])
            await self._leases.release(hold.lease, now=self._clock.now(), outcome="ended")


class _Hold:
    """The lease that collections look at. It must never have been over for a moment."""

    def __init__(self, leases: Leases, lease: Lease, clock: Clock, sleep: Callable[[float], Awaitable[None]]) -> None:
        self.lease = lease
        self._leases = leases
        self._clock = clock
        self._sleep = sleep
        self._turn = asyncio.Lock()

    async def keep(self) -> None:
        """Renew it until cancelled, or lost."""
        while True:
            await self._sleep(HOLD / SECOND / 8)
            try:
                await self.check()
            except Stale:
                return

    async def check(self) -> None:
        """Renew it where a quarter has passed. Raises Stale when it was lost."""
        async with self._turn:
            now = self._clock.now()
            if now < self.lease.until - HOLD * 3 // 4:
                return
            renewed = await self._leases.renew(self.lease, until=now + HOLD) if now < self.lease.until else None
            # Asked again after the answer: a renewal that came too late left a gap.
            if renewed is None or self._clock.now() >= self.lease.until:
                raise Stale("the backup was held up for so long that a collection may have run; run it again")
            self.lease = renewed


async def _all(work: Iterable[Coroutine[None, None, None]]) -> None:
    """Do all of it at once; the first error ends it."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from failures


async def _batches(chunks: AsyncIterator[bytes]) -> AsyncGenerator[list[bytes], None]:
    """Some chunks at a time, and few where they are large."""
    batch: list[bytes] = []
    size = 0
    async for content in chunks:
        batch.append(content)
        size += len(content)
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


async def _once(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content
