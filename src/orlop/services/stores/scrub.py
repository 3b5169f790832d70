"""Scrub: every copy is read again within a period, at a pace, beside whatever else goes on.

What is missing, of another size or of other bytes goes into quarantine, where nobody gets it. What is there already is
read first in every run, so that a disk that was away heals by itself when it is back. A pass goes through all rows in
order; stopped anywhere, the next run goes on behind the last row that was written down.
"""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import structlog

from orlop.domain.blob import Blob
from orlop.domain.digest import digest_from, new_hash
from orlop.domain.errors import ContentCorrupt, Unavailable
from orlop.domain.ranges import Span
from orlop.ports.blobs import BlobReader
from orlop.ports.catalog import By, Vitals
from orlop.ports.clock import HOUR, SECOND, Clock
from orlop.ports.scrub import DueBlob, Quarantine, QuarantinedCopy, ScrubPass, ScrubRows

#: Rows that one query takes, and what is read between two notes of how far it came, in bytes.
_STEP, _NOTED = 200, 256 << 20

#: What is hashed in a thread is more than this, in bytes: the event loop has better things to do.
_INLINE = 64 * 1024

#: How long one run goes on: the pass is finished by the next ones.
_RUN = HOUR

#: More copies than this, and than a tenth of those that were read, are not missing because they rotted: the disk or the
#: bucket is another one, or has not been mounted. Then nothing more goes into quarantine.
_FEW = 16

_ACTOR = "scrub"

_log = structlog.get_logger("orlop.scrub")


class ScrubStatus(msgspec.Struct, frozen=True):
    """`last` pass; `quarantined` copies now; `needed`: bytes a second that it takes to read all within the period."""

    last: ScrubPass
    quarantined: int
    stored_bytes: int
    period: int
    pace: int
    needed: int
    next_at: int
    """When the next pass begins, in microseconds since 1970; 0: one is under way, or none ever begins."""


class Scrub:
    """Reads everything once in `period` microseconds (0: never), `pace` bytes a second at most (0: as fast as it can).

    `sleep` waits for so many seconds.
    """

    def __init__(
        self,
        rows: ScrubRows,
        quarantine: Quarantine,
        reader: BlobReader,
        vitals: Vitals,
        clock: Clock,
        *,
        period: int,
        pace: int,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._rows = rows
        self._quarantine = quarantine
        self._reader = reader
        self._vitals = vitals
        self._clock = clock
        self._period = period
        self._pace = pace
        self._sleep = sleep

    async def status(self) -> ScrubStatus:
        """How far it is."""
        last, totals = await self._rows.last(), await self._vitals.totals()
        return ScrubStatus(
            last=last,
            quarantined=await self._quarantine.count(),
            stored_bytes=totals.blob_bytes,
            period=self._period,
            pace=self._pace,
            needed=totals.blob_bytes * SECOND // self._period if self._period else 0,
            next_at=0 if last.is_under_way or not self._period else last.started_at + self._period,
        )

    async def run(self, progress: Callable[[ScrubPass], None] = lambda _: None, *, whole: bool = False) -> ScrubPass:
        """Go on with the pass that is under way, or begin one if it is time, telling `progress` now and then; how far
        it came. `whole`: begin one in any case, and do not stop before its end.

        May be stopped anywhere. Raises ContentCorrupt when so much is missing that the store cannot be the right one.
        """
        await self._read_quarantined()
        now = self._clock.now()
        found = await self._rows.last()
        if not found.is_under_way:
            due = whole or (self._period and now >= found.started_at + self._period)
            if not due:
                return found
            found = ScrubPass(started_at=now)
            await self._rows.record(found, (), now)
        until = None if whole else now + _RUN
        return await _Pass(self, found, progress).run(until)

    async def _read_quarantined(self) -> None:
        after = 0
        while copies := await self._quarantine.page(after, _STEP):
            for copy in copies:
                await self._read_again(copy)
            after = copies[-1].id

    async def _read_again(self, copy: QuarantinedCopy) -> None:
        try:
            wrong = await self.wrong(copy.blob)
        except Unavailable:
            return
        if wrong is None and await self._quarantine.lift(copy.blob.key, self._by()):
            _log.info("a copy in quarantine is whole again", digest=copy.blob.key.digest, copy=copy.blob.key.copy)

    async def wrong(self, blob: Blob) -> ContentCorrupt | None:
        """What is wrong with a copy, reading all of it at the pace. Raises Unavailable."""
        started, read = self._clock.now(), 0
        try:
            content = await self._reader.open(blob)
            try:
                state = new_hash(blob.key.digest.algorithm)
                async for piece in content.chunks(Span(0, blob.size)):
                    if len(piece) > _INLINE:
                        await asyncio.to_thread(state.update, piece)
                    else:
                        state.update(piece)
                    read += len(piece)
                    await self._keep_pace(started, read)
            finally:
                content.close()
        except ContentCorrupt as failure:
            return failure
        actual = digest_from(blob.key.digest.algorithm, state)
        return None if actual == blob.key.digest else ContentCorrupt(f"the bytes of the copy have the digest {actual}")

    async def _keep_pace(self, started: int, read: int) -> None:
        ahead = started + read * SECOND // self._pace - self._clock.now() if self._pace else 0
        await self._sleep(max(0, ahead) / SECOND)

    def _by(self) -> By:
        return By(_ACTOR, self._clock.now())

    async def quarantine(self, blob: Blob, what: str) -> bool:
        """Give a copy out no more; False where its row says otherwise by now."""
        if not await self._quarantine.add(blob.key, what, self._by()):
            return False
        _log.error("a copy is damaged and no longer given out", digest=blob.key.digest, copy=blob.key.copy, what=what)
        return True

    async def is_missing(self, blob: Blob) -> bool:
        """Whether a copy cannot even be opened."""
        try:
            content = await self._reader.open(blob)
        except ContentCorrupt:
            return True
        content.close()
        return False

    async def next(self, after: int, before: int) -> tuple[DueBlob, ...]:
        """See ports.scrub.ScrubRows."""
        return await self._rows.next(after, before, _STEP)

    async def record(self, found: ScrubPass, verified: list[int]) -> None:
        """See ports.scrub.ScrubRows."""
        await self._rows.record(found, verified, self._clock.now())

    def now(self) -> int:
        """See ports.clock.Clock."""
        return self._clock.now()


class _Pass:
    """One run of a pass: what it found since it last wrote that down."""

    def __init__(self, scrub: Scrub, found: ScrubPass, progress: Callable[[ScrubPass], None]) -> None:
        self._scrub = scrub
        self._found = found
        self._progress = progress
        self._whole: list[int] = []
        self._unnoted = 0
        self._missing = 0

    async def run(self, until: int | None) -> ScrubPass:
        while rows := await self._scrub.next(self._found.read_up_to, self._found.started_at):
            for row in rows:
                if row.is_due:
                    await self._look(row)
                self._found = msgspec.structs.replace(self._found, read_up_to=row.id)
                if self._unnoted >= _NOTED:
                    await self._note()
                self._progress(self._found)
                if until is not None and self._scrub.now() >= until:
                    await self._note()
                    return self._found
            await self._note()
        self._found = msgspec.structs.replace(self._found, finished_at=max(self._scrub.now(), self._found.started_at))
        await self._note()
        return self._found

    async def _look(self, row: DueBlob) -> None:
        blob, rotten, failed = row.blob, 0, 0
        try:
            wrong = await self._scrub.wrong(blob)
            if wrong is None:
                self._whole.append(row.id)
            else:
                await self._check_store(blob)
                rotten = int(await self._scrub.quarantine(blob, wrong.message))
        except Unavailable as failure:
            failed = 1
            _log.warning("a copy cannot be read", digest=blob.key.digest, copy=blob.key.copy, why=failure.message)
        self._unnoted += blob.size
        self._found = msgspec.structs.replace(
            self._found,
            blobs=self._found.blobs + 1,
            size=self._found.size + blob.size,
            rotten=self._found.rotten + rotten,
            failed=self._found.failed + failed,
        )

    async def _check_store(self, blob: Blob) -> None:
        """Raises ContentCorrupt when so many copies are missing that it cannot be rot."""
        if not await self._scrub.is_missing(blob):
            return
        self._missing += 1
        if self._missing > _FEW + self._found.blobs // 10:
            await self._note()
            raise ContentCorrupt(
                f"{self._missing} of the first {self._found.blobs + 1} copies that were read are missing:"
                " the store is not the one that the catalog belongs to, or not all of it is there"
            )

    async def _note(self) -> None:
        await self._scrub.record(self._found, self._whole)
        self._whole, self._unnoted = [], 0
