"""`orlop verify`: whether the store keeps to the invariants of docs/reliability.md. Reads, repairs nothing.

Safe beside a live server: pushes and collections go on meanwhile, so whatever looks wrong is looked at again before it
is reported, and nothing counts as left behind until it is old.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import msgspec

from orlop.domain.blob import Blob, BlobState
from orlop.domain.digest import digest_from, digest_of, new_hash
from orlop.domain.durations import DAY
from orlop.domain.errors import ContentCorrupt, ManifestInvalid, Unavailable
from orlop.domain.manifest import parse_manifest
from orlop.domain.ranges import Span
from orlop.ports.blobs import BlobInventory, BlobReader, StoredStage
from orlop.ports.catalog import BlobRecord, Finding, Inspection, ManifestRecord, Overdue
from orlop.ports.clock import HOUR, Clock
from orlop.ports.scrub import Orphans
from orlop.services.audit.verify import AuditVerification
from orlop.services.stores.verify_inside import InsideDepth, InsideVerification

#: Rows that one query takes: manifests come with their bytes.
_MANIFESTS, _BLOBS = 50, 500

#: Manifests above this size are looked at in a thread, in bytes.
_INLINE = 64 * 1024


class Ages(msgspec.Struct, frozen=True):
    """How old things may become, in microseconds: sessions after they expired, tombstones, what no row names, and
    that in quarantine."""

    uploads: int = 24 * HOUR
    tombstones: int = 24 * HOUR
    strays: int = 24 * HOUR
    orphans: int = 8 * DAY


_AGES = Ages()


class Report(msgspec.Struct):
    """What was looked at so far, and what is wrong. `read` is in bytes."""

    manifests: int = 0
    blobs: int = 0
    read: int = 0
    copies: int = 0
    stages: int = 0
    entries: int = 0
    """Of the audit log."""
    layers: int = 0
    """Layers that were read anew for what is kept of them."""
    packages: int = 0
    """Packages that were compared anew with advisories."""
    findings: list[Finding] = []

    @property
    def is_clean(self) -> bool:
        """Whether everything is as it should be."""
        return not self.findings


class Verification:
    """Looks at everything once, the `audit` log and what is known of images included where that is given. `parallel`:
    blobs read at a time."""

    def __init__(
        self,
        inspection: Inspection,
        reader: BlobReader,
        inventory: BlobInventory,
        clock: Clock,
        *,
        orphans: Orphans,
        ages: Ages = _AGES,
        parallel: int = 2,
        audit: AuditVerification | None = None,
        inside: InsideVerification | None = None,
    ) -> None:
        self._inside = inside
        self._inspection = inspection
        self._reader = reader
        self._inventory = inventory
        self._clock = clock
        self._orphans = orphans
        self._ages = ages
        self._parallel = parallel
        self._audit = audit

    async def run(
        self,
        *,
        quick: bool = False,
        inside: InsideDepth = InsideDepth.SAMPLE,
        progress: Callable[[Report], None] = lambda _: None,
    ) -> Report:
        """Verify, telling `progress` every now and then. `quick` does not read blobs: presence and size have to do;
        `inside`: of how much of what is known of images it is looked whether that is so.

        May be stopped anywhere. Raises Unavailable when the catalog cannot be read, or the store not be listed.
        """
        report = Report()
        await self._rows(report)
        progress(report)
        await self._manifests(report, progress)
        await self._blobs(report, progress, quick=quick)
        await self._copies(report, progress)
        await self._stages(report, progress)
        if self._inside is not None:
            looked = await self._inside.run(inside, quick=quick, told=lambda _: progress(report))
            report.layers, report.packages = looked.layers, looked.packages
            report.findings += looked.findings
        if self._audit is not None:
            audited = await self._audit.run()
            report.entries = audited.entries
            report.findings += [Finding(9, f"audit entry {each.sequence}", each.what) for each in audited.findings]
        return report

    async def _rows(self, report: Report) -> None:
        """What the catalog itself finds wrong, twice in a row."""
        seen = {finding async for finding in self._inspection.findings(self._limits())}
        if seen:
            report.findings += [f async for f in self._inspection.findings(self._limits()) if f in seen]

    def _limits(self) -> Overdue:
        now = self._clock.now()
        return Overdue(uploads_before=now - self._ages.uploads, tombstones_before=now - self._ages.tombstones)

    async def _manifests(self, report: Report, progress: Callable[[Report], None]) -> None:
        last = 0
        while records := await self._inspection.manifests(last, _MANIFESTS):
            last = records[-1].id
            for record in records:
                report.findings += await self._manifest(record)
                report.manifests += 1
            progress(report)

    async def _manifest(self, record: ManifestRecord) -> list[Finding]:
        wrong = await _examined(record)
        if not wrong:
            return []
        again = await self._inspection.manifests(record.id - 1, 1)
        return await _examined(again[0]) if again and again[0].id == record.id else []

    async def _blobs(self, report: Report, progress: Callable[[Report], None], *, quick: bool) -> None:
        """Read every blob once, a few at a time."""
        reading: set[asyncio.Task[None]] = set()

        async def look(record: BlobRecord) -> None:
            report.findings += await self._blob(record, report, quick=quick)
            report.blobs += 1
            progress(report)

        try:
            async for record in self._records():
                if len(reading) >= self._parallel:
                    done, reading = await asyncio.wait(reading, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        task.result()
                reading.add(asyncio.create_task(look(record)))
            for task in tuple(reading):
                await task
        finally:
            for task in reading:
                task.cancel()
            await asyncio.gather(*reading, return_exceptions=True)

    async def _records(self) -> AsyncIterator[BlobRecord]:
        last = 0
        while records := await self._inspection.blobs(last, _BLOBS):
            last = records[-1].id
            for record in records:
                if record.state is not BlobState.TOMBSTONED:
                    yield record

    async def _blob(self, record: BlobRecord, report: Report, *, quick: bool) -> list[Finding]:
        complaint = await self._complaint(record.blob, report, quick=quick)
        if complaint is None:
            return []
        # A copy goes only after its row was tombstoned: while the row is not, the copy should have been there.
        again = await self._inspection.blobs(record.id - 1, 1)
        is_still_there = again and again[0].id == record.id and again[0].state is not BlobState.TOMBSTONED
        return [Finding(1, _place(record.blob), complaint)] if is_still_there else []

    async def _complaint(self, blob: Blob, report: Report, *, quick: bool) -> str | None:
        """What is wrong with a copy; None when it is what its key says."""
        try:
            content = await self._reader.open(blob)
        except (ContentCorrupt, Unavailable) as failure:
            return f"the copy cannot be read: {failure.message}"
        try:
            if quick:
                return None
            state = new_hash(blob.key.digest.algorithm)
            async for piece in content.chunks(Span(0, blob.size)):
                await asyncio.to_thread(state.update, piece)
                report.read += len(piece)
        except (ContentCorrupt, Unavailable) as failure:
            return f"the copy cannot be read: {failure.message}"
        finally:
            content.close()
        actual = digest_from(blob.key.digest.algorithm, state)
        return None if actual == blob.key.digest else f"the bytes of the copy have the digest {actual}"

    async def _copies(self, report: Report, progress: Callable[[Report], None]) -> None:
        """Copies that no row names. A copy is removed before its row is, so what is there without a row is stray."""
        async for copy in self._inventory.copies():
            report.copies += 1
            if self._is_old(copy.modified_at) and not await self._inspection.knows_copy(copy.blob.key):
                if await self._is_forgotten(_place(copy.blob)) and (
                    await self._complaint(copy.blob, report, quick=True) is None
                ):
                    report.findings.append(Finding(7, _place(copy.blob), "no row names this copy, and no upload does"))
                progress(report)

    async def _stages(self, report: Report, progress: Callable[[Report], None]) -> None:
        """Stages without a session. One that ends removes its stage a moment later, so they are listed twice."""
        strays: set[str] = set()
        async for stage in self._inventory.stages():
            report.stages += 1
            if await self._is_stray(stage):
                strays.add(stage.upload)
        if strays:
            async for stage in self._inventory.stages():
                if stage.upload in strays and await self._is_stray(stage) and await self._is_forgotten(stage.upload):
                    report.findings.append(Finding(7, stage.upload, "the staged bytes belong to no upload"))
        progress(report)

    async def _is_forgotten(self, name: str) -> bool:
        """Whether a stray is in no quarantine, or has been there for longer than it should."""
        since = await self._orphans.since(name)
        return since is None or since < self._clock.now() - self._ages.orphans

    async def _is_stray(self, stage: StoredStage) -> bool:
        return self._is_old(stage.modified_at) and not await self._inspection.knows_upload(stage.upload)

    def _is_old(self, modified_at: int) -> bool:
        return modified_at < self._clock.now() - self._ages.strays


def _place(blob: Blob) -> str:
    return f"{blob.key.digest}/{blob.key.copy}"


async def _examined(record: ManifestRecord) -> list[Finding]:
    if len(record.content) <= _INLINE:
        return list(_differences(record))
    return await asyncio.to_thread(lambda: list(_differences(record)))


def _differences(record: ManifestRecord) -> Iterator[Finding]:
    """Where the bytes of a manifest and what was derived from them differ."""
    where = f"{record.repository}@{record.digest}"
    actual = digest_of(record.content, record.digest.algorithm)
    if actual != record.digest:
        yield Finding(1, where, f"the bytes of the manifest have the digest {actual}")
        return
    if len(record.content) != record.size:
        yield Finding(1, where, f"the row says {record.size} bytes, the manifest has {len(record.content)}")
    try:
        manifest = parse_manifest(record.content, record.media_type)
    except ManifestInvalid as refusal:
        yield Finding(1, where, f"the manifest cannot be read: {refusal.message}")
        return
    if tuple((edge.kind.value, edge.digest, edge.size) for edge in manifest.edges) != record.edges:
        yield Finding(1, where, "the rows of what the manifest names differ from its bytes")
    derived = {
        "artifact type": (manifest.artifact_type, record.artifact_type),
        "subject": (manifest.subject, record.subject),
        "annotations": (manifest.annotations, record.annotations),
    }
    for name, (written, kept) in derived.items():
        if written != kept:
            yield Finding(6, where, f"the {name} in the row differs from the manifest's")
