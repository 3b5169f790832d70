"""Clearing away bytes that no row names: what a power cut left between the store and the catalog.

Runs only when somebody asks for it or has set a schedule, because it lists the whole store. A crash alone leaves
nothing without a row. A session's row is there before its stage and never comes back once it is gone, and only a
session that is there can make its copy's row. So what has no row at all will never have one. The listing of the store
only says what to ask the catalog about; the rows decide, and if they know too little of the store, it is the catalog
that is wrong.
"""

import asyncio
from collections.abc import Callable

import msgspec
import structlog

from orlop.domain.blob import BlobKey
from orlop.ports.blobs import BlobInventory, BlobRemover, BlobStage
from orlop.ports.catalog import Inspection
from orlop.ports.clock import HOUR, Clock

#: What was written more recently is left alone, in microseconds.
_AGE = HOUR

#: After how many looks the event loop gets its turn: a look takes some 50 microseconds.
_TURN = 20

#: A crash leaves no more stray copies than there were uploads. Beyond this number and a tenth of those that are known,
#: or where none is known, the catalog is taken for another store's, or for an old one, and nothing is removed.
_FEW = 16

_log = structlog.get_logger("orlop.sweep")


class Swept(msgspec.Struct):
    """What a run looked at, and removed."""

    stages: int = 0
    copies: int = 0
    strays: int = 0
    removed: int = 0


class Sweep:
    """Sweeps the whole store, at leisure."""

    def __init__(
        self, inspection: Inspection, inventory: BlobInventory, stage: BlobStage, remover: BlobRemover, clock: Clock
    ) -> None:
        self._inspection = inspection
        self._inventory = inventory
        self._stage = stage
        self._remover = remover
        self._clock = clock

    async def run(self, progress: Callable[[Swept], None] = lambda _: None) -> Swept:
        """Remove strays, telling `progress` now and then. May be stopped anywhere; several runs at once do no harm."""
        done = Swept()
        await self._stages(done)
        strays = await self._stray_copies(done, progress)
        known = done.copies - len(strays)
        if strays and (not known or len(strays) > _FEW + known // 10):
            _log.warning(
                "the catalog knows too few of the stored copies; none is removed", known=known, strays=len(strays)
            )
            return done
        for key in strays:
            await self._remover.remove(key)
            done.removed += 1
            progress(done)
        return done

    async def _stages(self, done: Swept) -> None:
        async for stage in self._inventory.stages():
            done.stages += 1
            if self._is_old(stage.modified_at) and not await self._inspection.knows_upload(stage.upload):
                await self._stage.discard(stage.upload)
                done.strays += 1
                done.removed += 1

    async def _stray_copies(self, done: Swept, progress: Callable[[Swept], None]) -> list[BlobKey]:
        strays: list[BlobKey] = []
        async for copy in self._inventory.copies():
            done.copies += 1
            if done.copies % _TURN == 0:
                progress(done)
                await asyncio.sleep(0)
            if self._is_old(copy.modified_at) and not await self._inspection.knows_copy(copy.blob.key):
                done.strays += 1
                strays.append(copy.blob.key)
        return strays

    def _is_old(self, modified_at: int) -> bool:
        return modified_at < self._clock.now() - _AGE
