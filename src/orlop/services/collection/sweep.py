"""Clearing away bytes that no row names: what a power cut left between the store and the catalog.

Runs only when somebody asks for it or has set a schedule, because it lists the whole store. A crash alone leaves
nothing without a row. A session's row is there before its stage and never comes back once it is gone, and only a
session that is there can make its copy's row. So what has no row at all will never have one. The listing of the store
only says what to ask the catalog about; the rows decide, and if they know too little of the store, it is the catalog
that is wrong. Even then it has a week in quarantine: it stays where it lies, where nobody is given it, and is listed.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec
import structlog

from orlop.domain.blob import Blob, BlobKey
from orlop.domain.durations import DAY
from orlop.ports.blobs import BlobInventory, BlobRemover, BlobStage
from orlop.ports.catalog import Inspection
from orlop.ports.clock import HOUR, Clock
from orlop.ports.scrub import Orphans, StoredOrphan

#: What was written more recently is left alone, in microseconds.
_AGE = HOUR

#: How long what no row names is kept after it was found first, in microseconds.
QUARANTINE = 7 * DAY

#: Rows that one transaction writes.
_STEP = 200

#: After how many looks the event loop gets its turn: a look takes some 50 microseconds.
_TURN = 20

#: A crash leaves no more stray copies than there were uploads. Beyond this number and a tenth of those that are known,
#: or where none is known, the catalog is taken for another store's, or for an old one, and nothing is removed.
_FEW = 16

T = TypeVar("T")

_log = structlog.get_logger("orlop.sweep")


class Swept(msgspec.Struct):
    """What a run looked at, and removed."""

    stages: int = 0
    copies: int = 0
    strays: int = 0
    quarantined: int = 0
    """Those whose week is not over."""
    removed: int = 0


class Sweep:
    """Sweeps the whole store, at leisure."""

    def __init__(
        self,
        inspection: Inspection,
        orphans: Orphans,
        inventory: BlobInventory,
        stage: BlobStage,
        remover: BlobRemover,
        clock: Clock,
    ) -> None:
        self._inspection = inspection
        self._orphans = orphans
        self._inventory = inventory
        self._stage = stage
        self._remover = remover
        self._clock = clock

    async def run(self, progress: Callable[[Swept], None] = lambda _: None) -> Swept:
        """Find strays and remove those whose time is over, telling `progress` now and then. May be stopped anywhere;
        several runs at once do no harm."""
        done = Swept()
        stages = await self._stray_stages(done)
        strays = await self._stray_copies(done, progress)
        known = done.copies - len(strays)
        if strays and (not known or len(strays) > _FEW + known // 10):
            _log.warning(
                "the catalog knows too few of the stored copies; none is removed", known=known, strays=len(strays)
            )
            return done
        due = await self._due([*stages, *map(_orphan, strays)], done)
        for upload in stages:
            if upload.name in due:
                await self._stage.discard(upload.name)
                await self._gone(upload.name, done)
        for blob in strays:
            if _name(blob.key) in due:
                await self._remover.remove(blob.key)
                await self._gone(_name(blob.key), done)
                progress(done)
        return done

    async def _due(self, found: list[StoredOrphan], done: Swept) -> set[str]:
        """Write down what was found now, forget what is no orphan any more, and name those whose time is over."""
        names = {orphan.name for orphan in found}
        known: dict[str, int] = {}
        while page := await self._orphans.page(max(known, default=""), _STEP):
            known |= {orphan.name: orphan.found_at for orphan in page}
        for gone in _steps([name for name in known if name not in names]):
            await self._orphans.forget(gone)
        now = self._clock.now()
        new = [msgspec.structs.replace(orphan, found_at=now) for orphan in found if orphan.name not in known]
        for step in _steps(new):
            await self._orphans.found(step)
        due = {name for name in names if known.get(name, now) < now - QUARANTINE}
        done.quarantined = len(names - due)
        return due

    async def _gone(self, name: str, done: Swept) -> None:
        await self._orphans.forget([name])
        done.removed += 1

    async def _stray_stages(self, done: Swept) -> list[StoredOrphan]:
        strays: list[StoredOrphan] = []
        async for stage in self._inventory.stages():
            done.stages += 1
            if self._is_old(stage.modified_at) and not await self._inspection.knows_upload(stage.upload):
                done.strays += 1
                strays.append(StoredOrphan(stage.upload, 0, 0))
        return strays

    async def _stray_copies(self, done: Swept, progress: Callable[[Swept], None]) -> list[Blob]:
        strays: list[Blob] = []
        async for copy in self._inventory.copies():
            done.copies += 1
            if done.copies % _TURN == 0:
                progress(done)
                await asyncio.sleep(0)
            if self._is_old(copy.modified_at) and not await self._inspection.knows_copy(copy.blob.key):
                done.strays += 1
                strays.append(copy.blob)
        return strays

    def _is_old(self, modified_at: int) -> bool:
        return modified_at < self._clock.now() - _AGE


def _name(key: BlobKey) -> str:
    return f"{key.digest}/{key.copy}"


def _orphan(blob: Blob) -> StoredOrphan:
    return StoredOrphan(_name(blob.key), blob.size, 0)


def _steps(entries: list[T]) -> Iterable[list[T]]:
    return (entries[start : start + _STEP] for start in range(0, len(entries), _STEP))
