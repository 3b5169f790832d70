"""Garbage collection, online: every step is one short transaction that rechecks what it rests on.

What expired in the trash, or was given up there, goes first. Loose links go after their grace, blobs without links are
condemned, condemned blobs are tombstoned after the grace, and only the copies of tombstones are removed. Nothing here
looks at a listing of the store.
"""

from collections.abc import Callable

import msgspec

from orlop.ports.blobs import BlobRemover, BlobStage
from orlop.ports.catalog import By, UploadExpiry
from orlop.ports.catalog import Collection as CollectionRows
from orlop.ports.clock import Clock
from orlop.ports.trash import TrashEnd

#: Rows that one transaction takes: a few milliseconds of the catalog's time.
_STEP = 200
#: Manifests of the trash that one transaction removes.
_MANIFESTS = 500

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


class Collection:
    """Runs collections and clears away abandoned uploads. `grace` in microseconds."""

    def __init__(
        self,
        rows: CollectionRows,
        expiry: UploadExpiry,
        trash: TrashEnd,
        stage: BlobStage,
        remover: BlobRemover,
        clock: Clock,
    ) -> None:
        self._rows = rows
        self._expiry = expiry
        self._trash = trash
        self._stage = stage
        self._remover = remover
        self._clock = clock

    async def run(self, grace: int, progress: Callable[[Collected], None] = lambda _: None) -> Collected:
        """Collect everything that has been garbage for longer than `grace`, telling `progress` after every step.

        May be stopped anywhere and run again; several runs at once do no harm.
        """
        done = Collected()
        await self._expire_into(done, progress)
        await self._purge_into(done, progress)
        now = self._clock.now()
        while True:
            links, condemned = await self._rows.unlink_loose(now - grace, _STEP, self._by())
            done.links += links
            done.condemned += condemned
            progress(done)
            if not links:
                break
        # Read again, so that without a grace what was condemned a moment ago goes in this run and not in the next.
        now = self._clock.now()
        while tombstoned := await self._rows.tombstone(now - grace, _STEP, self._by()):
            done.tombstoned += tombstoned
            progress(done)
        await self._remove_into(done, progress)
        return done

    async def expire_uploads(self) -> int:
        """Clear away the sessions that nobody finished; how many."""
        done = Collected()
        await self._expire_into(done, lambda _: None)
        return done.uploads

    async def _expire_into(self, done: Collected, progress: Callable[[Collected], None]) -> None:
        while expired := await self._expiry.expired(self._clock.now(), _STEP):
            for upload in expired:
                await self._stage.discard(upload.id)
                if upload.stray is not None:
                    await self._remover.remove(upload.stray)
                await self._expiry.forget(upload.id, self._clock.now())
                done.uploads += 1
            progress(done)

    async def _purge_into(self, done: Collected, progress: Callable[[Collected], None]) -> None:
        while (purged := await self._trash.purge(_MANIFESTS, self._by())).entries or purged.manifests:
            done.entries += purged.entries
            done.condemned += purged.condemned
            progress(done)

    async def _remove_into(self, done: Collected, progress: Callable[[Collected], None]) -> None:
        last = 0
        while tombstones := await self._rows.tombstones(last, _STEP):
            for _, blob in tombstones:
                await self._remover.remove(blob.key)
                done.removed += 1
                done.freed += blob.size
            last = tombstones[-1][0]
            await self._rows.gone([row for row, _ in tombstones], self._by())
            progress(done)

    def _by(self) -> By:
        return By(_ACTOR, self._clock.now())
