"""Garbage collection, online: every step is one short transaction that rechecks what it rests on.

What expired in the trash, or was given up there, goes first. Loose links go after their grace, blobs without links are
condemned, condemned blobs are tombstoned after the grace, and only the copies of tombstones are removed. Nothing here
looks at a listing of the store. What the store does not remove stays a tombstone, counts as nothing freed, and is tried
again by the next run.
"""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from orlop.domain.errors import RegistryError
from orlop.ports.blobs import BlobRemover, BlobStage
from orlop.ports.catalog import By, ExpiredUpload, UploadExpiry
from orlop.ports.catalog import Collection as CollectionRows
from orlop.ports.clock import SECOND, Clock
from orlop.ports.trash import TrashEnd
from orlop.services.collection.empty import EmptyRepositories

#: Rows that one transaction takes: some ten milliseconds of the catalog's time, which a push may have to wait for.
_STEP = 50
#: Manifests of the trash that one transaction removes, each with its links.
_MANIFESTS = 50

#: Different errors of the store that a report names.
_NAMED = 16

#: Who acts.
_ACTOR = "collection"


class Collected(msgspec.Struct):
    """What a run did so far. Counts, and `freed` in bytes."""

    uploads: int = 0
    entries: int = 0
    links: int = 0
    condemned: int = 0
    tombstoned: int = 0
    removed: int = 0
    freed: int = 0
    repositories: int = 0
    """Those that held nothing, where a setting says that they go."""
    kept: int = 0
    """Copies and stages that the store did not remove: they are tried again."""
    kept_bytes: int = 0
    errors: dict[str, int] = {}
    """What the store said to these, and how often."""

    def failed(self, failure: RegistryError, size: int) -> None:
        """The store did not remove something."""
        self.kept += 1
        self.kept_bytes += size
        if failure.message in self.errors or len(self.errors) < _NAMED:
            self.errors = {**self.errors, failure.message: self.errors.get(failure.message, 0) + 1}


class Collection:
    """Runs collections and clears away abandoned uploads. `grace` in microseconds; of links, blobs and copies no more
    than `pace` go in a second (0: as fast as it can). `sleep` waits for so many seconds."""

    def __init__(
        self,
        rows: CollectionRows,
        expiry: UploadExpiry,
        trash: TrashEnd,
        stage: BlobStage,
        remover: BlobRemover,
        clock: Clock,
        *,
        empty: EmptyRepositories | None = None,
        pace: int = 0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._rows = rows
        self._expiry = expiry
        self._trash = trash
        self._stage = stage
        self._remover = remover
        self._clock = clock
        self._empty = empty
        self._pace = pace
        self._sleep = sleep

    async def run(self, grace: int, progress: Callable[[Collected], None] = lambda _: None) -> Collected:
        """Collect everything that has been garbage for longer than `grace`, telling `progress` after every step.

        May be stopped anywhere and run again; several runs at once do no harm.
        """
        done = Collected()
        await self._expire_into(done, progress)
        await self._purge_into(done, progress)
        now = self._clock.now()
        while True:
            started = self._clock.now()
            links, condemned = await self._rows.unlink_loose(now - grace, _STEP, self._by())
            done.links += links
            done.condemned += condemned
            progress(done)
            if not links:
                break
            await self._keep_pace(started, links)
        # Read again, so that without a grace what was condemned a moment ago goes in this run and not in the next.
        now = started = self._clock.now()
        while tombstoned := await self._rows.tombstone(now - grace, _STEP, self._by()):
            done.tombstoned += tombstoned
            progress(done)
            await self._keep_pace(started, tombstoned)
            started = self._clock.now()
        await self._remove_into(done, progress)
        if self._empty is not None:
            done.repositories = await self._empty.remove(self._by)
        progress(done)
        return done

    async def expire_uploads(self) -> int:
        """Clear away the sessions that nobody finished; how many."""
        done = Collected()
        await self._expire_into(done, lambda _: None)
        return done.uploads

    async def _expire_into(self, done: Collected, progress: Callable[[Collected], None]) -> None:
        kept: set[str] = set()
        while expired := await self._expiry.expired(self._clock.now(), _STEP):
            started = self._clock.now()
            fresh = [upload for upload in expired if upload.id not in kept]
            for upload in fresh:
                try:
                    await self._expire(upload)
                except RegistryError as failure:
                    done.failed(failure, 0)
                    kept.add(upload.id)
                else:
                    done.uploads += 1
            progress(done)
            if not fresh:
                return
            await self._keep_pace(started, len(fresh))

    async def _expire(self, upload: ExpiredUpload) -> None:
        await self._stage.discard(upload.id)
        if upload.stray is not None:
            await self._remover.remove(upload.stray)
        await self._expiry.forget(upload.id, self._clock.now())

    async def _purge_into(self, done: Collected, progress: Callable[[Collected], None]) -> None:
        while (purged := await self._trash.purge(_MANIFESTS, self._by())).entries or purged.manifests or purged.begun:
            done.entries += purged.entries
            done.condemned += purged.condemned
            progress(done)

    async def _remove_into(self, done: Collected, progress: Callable[[Collected], None]) -> None:
        last = 0
        while tombstones := await self._rows.tombstones(last, _STEP):
            started = self._clock.now()
            gone = []
            for row, blob in tombstones:
                try:
                    await self._remover.remove(blob.key)
                except RegistryError as failure:
                    done.failed(failure, blob.size)
                else:
                    gone.append((row, blob.size))
            last = tombstones[-1][0]
            if gone:
                await self._rows.gone([row for row, _ in gone], self._by())
            done.removed += len(gone)
            done.freed += sum(size for _, size in gone)
            progress(done)
            await self._keep_pace(started, len(tombstones))

    async def _keep_pace(self, started: int, steps: int) -> None:
        """Let requests go first, and wait until so many steps may have been taken since."""
        ahead = started + steps * SECOND // self._pace - self._clock.now() if self._pace else 0
        await self._sleep(max(0, ahead) / SECOND)

    def _by(self) -> By:
        return By(_ACTOR, self._clock.now())
