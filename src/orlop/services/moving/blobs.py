"""Copies blobs from one store to another, under the keys that they have, each verified as it streams."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from orlop.domain.blob import Blob, BlobState
from orlop.domain.errors import ContentCorrupt, Unavailable
from orlop.domain.ranges import Span
from orlop.ports.blobs import CHECKPOINT, BlobContent, BlobReader, BlobStage, StageWriter
from orlop.ports.catalog import BlobRecord, Finding, Inspection
from orlop.ports.moving import CatalogRows
from orlop.services.moving.report import MoveReport

#: Rows that one query takes.
_PAGE = 500
#: How often a blob is tried. Between the tries of a single request the drivers wait.
_TRIES = 3


class BlobCopies:
    """Copies what a catalog names. `parallel` is how many blobs are under way at a time.

    A blob that was copied or found in this run is not looked at again, so a second pass costs a reading of the rows.
    """

    def __init__(
        self,
        rows: CatalogRows,
        inspection: Inspection,
        source: BlobReader,
        target: BlobReader,
        stage: BlobStage,
        *,
        parallel: int = 8,
    ) -> None:
        self._rows = rows
        self._inspection = inspection
        self._source = source
        self._target = target
        self._stage = stage
        self._parallel = parallel
        self._there = _Numbers()

    async def run(self, report: MoveReport, progress: Callable[[MoveReport], None]) -> int:
        """Copy every blob that is not there yet; how many came over. What cannot be copied is a finding of `report`.

        Blobs that are pushed meanwhile are left for the next time: otherwise it might never end.

        May be stopped anywhere. Raises Unavailable, TooLarge (the target cannot hold a blob of that size).
        """
        before, copying = report.copied, set[asyncio.Task[None]]()
        report.passes += 1
        report.findings = []
        try:
            async for record in self._missing():
                if len(copying) >= self._parallel:
                    done, copying = await asyncio.wait(copying, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        task.result()
                copying.add(asyncio.create_task(self._bring(record, report, progress)))
            for task in tuple(copying):
                await task
        finally:
            for task in copying:
                task.cancel()
            await asyncio.gather(*copying, return_exceptions=True)
        return report.copied - before

    async def _missing(self) -> AsyncIterator[BlobRecord]:
        last, newest = 0, (await self._rows.last("blobs"))[0]
        while last < newest and (records := await self._inspection.blobs(last, _PAGE)):
            last = records[-1].id
            for record in records:
                if record.id > newest:
                    return
                # A tombstoned copy may be gone already, and nobody will ask for it.
                if record.state is not BlobState.TOMBSTONED and record.id not in self._there:
                    yield record

    async def _bring(self, record: BlobRecord, report: MoveReport, progress: Callable[[MoveReport], None]) -> None:
        try:
            if await self._is_there(record.blob):
                report.present += 1
            else:
                await self._copy_patiently(record.blob)
                report.copied += 1
                report.size += record.blob.size
            self._there.add(record.id)
        except ContentCorrupt as failure:
            if await self._is_wanted(record):
                where = f"{record.blob.key.digest}/{record.blob.key.copy}"
                report.findings.append(Finding(1, where, f"the copy cannot be read: {failure.message}"))
        progress(report)

    async def _is_there(self, blob: Blob) -> bool:
        """Copies appear whole, after their digest was compared, so the right size under the key says enough."""
        try:
            content = await self._target.open(blob)
        except ContentCorrupt:
            return False
        content.close()
        return True

    async def _is_wanted(self, record: BlobRecord) -> bool:
        """Whether the row still stands: a copy goes only after its row was tombstoned."""
        again = await self._inspection.blobs(record.id - 1, 1)
        return bool(again) and again[0].id == record.id and again[0].state is not BlobState.TOMBSTONED

    async def _copy_patiently(self, blob: Blob) -> None:
        """One answer that a store cannot shall not end hours of copying."""
        for _ in range(_TRIES - 1):
            with suppress(Unavailable):
                return await self._copy(blob)
        return await self._copy(blob)

    async def _copy(self, blob: Blob) -> None:
        """Raises ContentCorrupt when the bytes at the source are not those that the key says."""
        # The same stage in every run: what an interrupted one left is written over.
        upload = _stage_of(blob)
        content = await self._source.open(blob)
        try:
            writer = await self._stage.open(upload, 0, blob.key.digest.algorithm)
            try:
                place = await _stream(content, blob, writer)
            finally:
                await writer.close()
        except ContentCorrupt:
            await self._stage.discard(upload)
            raise
        finally:
            content.close()
        await self._stage.promote(upload, blob, place)


async def _stream(content: BlobContent, blob: Blob, writer: StageWriter) -> str:
    """Write all of a copy onto a stage; where that then is. Raises ContentCorrupt."""
    durable = 0
    async for piece in content.chunks(Span(0, blob.size)):
        await writer.write(piece)
        if writer.offset - durable >= CHECKPOINT:
            durable = (await writer.progress()).offset
    staged = await writer.checkpoint()
    if (staged.offset, staged.digest) != (blob.size, blob.key.digest):
        raise ContentCorrupt(f"its {staged.offset} bytes have the digest {staged.digest}")
    return staged.place


def _stage_of(blob: Blob) -> str:
    """The name of the upload that a copy once was: a UUID, of which the copy's name has the digits."""
    digits = blob.key.copy
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


class _Numbers:
    """A set of row numbers, which are dense: a bit for each."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, number: int) -> None:
        """Put it in."""
        place, bit = divmod(number, 8)
        if place >= len(self._bits):
            self._bits.extend(bytes(place + 1 - len(self._bits)))
        self._bits[place] |= 1 << bit

    def __contains__(self, number: int) -> bool:
        place, bit = divmod(number, 8)
        return place < len(self._bits) and bool(self._bits[place] >> bit & 1)
