"""Restores a backup into empty stores: blobs first, each verified and durable as a push is, then the catalog."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing

import msgspec

from orlop.domain.backup import Backup, ListedBlob
from orlop.domain.blob import Blob, BlobKey
from orlop.domain.errors import ContentCorrupt
from orlop.ports.backup import BackupTarget, CatalogFill
from orlop.ports.blobs import CHECKPOINT, BlobReader, BlobStage
from orlop.services.backup.pace import Pace
from orlop.services.backup.reading import BackupFiles, blob

#: Blobs under way at a time.
_PARALLEL = 4


class RestoreProgress(msgspec.Struct):
    """How far it came. Sizes in bytes."""

    blobs: int = 0
    present: int = 0
    size: int = 0
    total_blobs: int = 0


class Restoration:
    """Restores into one pair of stores."""

    def __init__(
        self, target: BackupTarget, reader: BlobReader, stage: BlobStage, catalog: CatalogFill, pace: Pace
    ) -> None:
        self._target = target
        self._reader = reader
        self._stage = stage
        self._catalog = catalog
        self._pace = pace

    async def run(
        self, backup: Backup, done: RestoreProgress, progress: Callable[[RestoreProgress], None] = lambda _: None
    ) -> None:
        """Restore all of it. May be stopped anywhere and run again: what is there already is not brought again.

        Raises ContentCorrupt when the backup is damaged, and then the catalog stays as it was; Denied; Unavailable.
        """
        files = BackupFiles(self._target, backup)
        damaged = {one.digest for one in backup.damaged}
        done.total_blobs = backup.blobs

        async def bring(listed: ListedBlob) -> None:
            if await self._bring(listed):
                done.blobs += 1
                done.size += listed.size
            else:
                done.present += 1
            progress(done)

        wanted = (listed async for listed in files.blobs() if listed.digest not in damaged)
        await _each(wanted, bring)
        await self._catalog.fill(backup, files)

    async def _bring(self, listed: ListedBlob) -> bool:
        copy = Blob(BlobKey(listed.digest, listed.copy), listed.size)
        try:
            (await self._reader.open(copy)).close()
        except ContentCorrupt:
            pass
        else:
            return False  # copies appear whole, after their digest was compared
        # The same stage in every run: what an interrupted one left is written over.
        upload = _stage_of(listed.copy)
        writer = await self._stage.open(upload, 0, listed.digest.algorithm)
        try:
            durable = 0
            async with aclosing(blob(self._target, listed)) as pieces:
                async for piece in pieces:
                    await self._pace.spend(len(piece))
                    await writer.write(piece)
                    if writer.offset - durable >= CHECKPOINT:
                        durable = (await writer.progress()).offset
            staged = await writer.checkpoint()
        except ContentCorrupt:
            await writer.close()
            await self._stage.discard(upload)
            raise
        finally:
            await writer.close()
        if (staged.offset, staged.digest) != (listed.size, listed.digest):
            raise ContentCorrupt(f"{listed.digest} was not written as it is in the backup")
        await self._stage.promote(upload, copy, staged.place)
        return True


async def _each(wanted: AsyncIterator[ListedBlob], bring: Callable[[ListedBlob], Coroutine[None, None, None]]) -> None:
    """Do it for each, some at a time; the first error ends it."""
    running: set[asyncio.Task[None]] = set()
    try:
        async for listed in wanted:
            if len(running) >= _PARALLEL:
                ended, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in ended:
                    task.result()
            running.add(asyncio.ensure_future(bring(listed)))
        for task in tuple(running):
            await task
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _stage_of(copy: str) -> str:
    """The name of the upload that a copy once was: a UUID, of which the copy's name has the digits."""
    return "-".join((copy[:8], copy[8:12], copy[12:16], copy[16:20], copy[20:]))
