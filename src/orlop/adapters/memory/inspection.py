"""Everything in the catalog, for verification."""

from collections.abc import AsyncIterator, Iterator

from orlop.adapters.memory.identity_findings import wrong
from orlop.adapters.memory.state import Counters, ManifestRow, RepositoryRow, State
from orlop.domain.blob import BlobKey, BlobState
from orlop.domain.manifest import EdgeKind
from orlop.domain.pages import fitting
from orlop.ports.catalog import BlobRecord, Finding, Limits, ManifestRecord


class MemoryInspection:
    """See ports.catalog.Inspection."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def manifests(self, after: int, limit: int) -> tuple[ManifestRecord, ...]:
        rows = [(row, m) for row in self._state.repositories.values() for m in row.manifests.values() if m.id > after]
        rows.sort(key=lambda pair: pair[1].id)
        fit = fitting(len(manifest.content) for _, manifest in rows[:limit])
        return tuple(_record(row, manifest) for row, manifest in rows[:fit])

    async def blobs(self, after: int, limit: int) -> tuple[BlobRecord, ...]:
        rows = sorted((row for row in self._state.blobs.values() if row.id > after), key=lambda row: row.id)
        return tuple(BlobRecord(row.id, row.blob, row.state) for row in rows[:limit])

    async def knows_copy(self, key: BlobKey) -> bool:
        named = any(row.blob.key == key for row in self._state.blobs.values())
        return named or any(upload.replace("-", "") == key.copy for upload in self._state.uploads)

    async def knows_upload(self, upload: str) -> bool:
        return upload in self._state.uploads

    async def findings(self, limits: Limits) -> AsyncIterator[Finding]:
        for row in tuple(self._state.repositories.values()):
            for finding in (*self._edges(row), *_tags(row), *self._links(row)):
                yield finding
        for finding in (*self._blobs(), *self._counts(), *self._overdue(limits), *wrong(self._state.identity)):
            yield finding

    def _edges(self, row: RepositoryRow) -> Iterator[Finding]:
        for manifest in row.manifests.values():
            for edge in manifest.edges:
                where, child = f"{row.name}@{manifest.digest}", f"{edge.kind.value} {edge.digest}"
                size = self._state.size(row, edge)
                held = row.manifests if edge.kind is EdgeKind.MANIFEST else row.links
                if edge.digest not in held and edge not in manifest.optional:
                    yield Finding(1, where, f"{child} is not in the repository")
                if size not in (None, edge.size):
                    yield Finding(1, where, f"{child} has another size")

    def _links(self, row: RepositoryRow) -> Iterator[Finding]:
        for digest, link in row.links.items():
            blob = self._state.blobs.get(link.blob_id)
            if blob is None or blob.state is not BlobState.LIVE or blob.blob.key.digest != digest:
                yield Finding(1, f"{row.name}@{digest}", "the link leads to no live blob of that digest")
            if (link.loose_since is None) is (row.naming_blob(digest) is None):
                yield Finding(
                    8,
                    f"{row.name}@{digest}",
                    "a manifest names the blob, but its link counts as loose, or the reverse",
                )

    def _blobs(self) -> Iterator[Finding]:
        for row in self._state.blobs.values():
            if row.state is BlobState.LIVE and not self._state.is_linked(row.id):
                yield Finding(8, row.blob.key.digest, "the blob is live, but no repository holds it")

    def _counts(self) -> Iterator[Finding]:
        rows = self._state.repositories.values()
        for row in rows:
            if row.counters != self._recount(row):
                yield Finding(5, row.name, "the counters of the repository differ from a recount")
        recounts = [self._recount(row) for row in rows]
        present = [row.blob.size for row in self._state.blobs.values() if row.state is not BlobState.TOMBSTONED]
        recount = Counters(
            sum(c.manifests for c in recounts),
            sum(c.manifest_bytes for c in recounts),
            sum(c.tags for c in recounts),
            len(present),
            sum(present),
        )
        if (self._state.totals, self._state.repository_total) != (recount, len(rows)):
            yield Finding(5, "totals", "the totals differ from a recount")

    def _recount(self, row: RepositoryRow) -> Counters:
        blobs = [self._state.blobs[link.blob_id] for link in row.links.values() if link.blob_id in self._state.blobs]
        return Counters(
            len(row.manifests),
            sum(manifest.size for manifest in row.manifests.values()),
            len(row.tags),
            len(row.links),
            sum(blob.blob.size for blob in blobs),
        )

    def _overdue(self, limits: Limits) -> Iterator[Finding]:
        for upload in (row.upload for row in self._state.uploads.values()):
            # A session that was cancelled expired at 0; it is as old as its beginning.
            if max(upload.expires_at, upload.started_at, upload.lease_until) < limits.uploads_before:
                yield Finding(7, upload.id, "the upload should have expired long ago")
        for row in self._state.blobs.values():
            if row.state is BlobState.TOMBSTONED and row.state_at < limits.tombstones_before:
                where = f"{row.blob.key.digest}/{row.blob.key.copy}"
                yield Finding(7, where, "the tombstoned copy should be gone long ago")


def _record(row: RepositoryRow, manifest: ManifestRow) -> ManifestRecord:
    return ManifestRecord(
        id=manifest.id,
        repository=row.name,
        digest=manifest.digest,
        media_type=manifest.media_type,
        artifact_type=manifest.artifact_type,
        subject=manifest.subject,
        annotations=manifest.annotations,
        size=manifest.size,
        content=manifest.content,
        edges=tuple((edge.kind.value, edge.digest, edge.size) for edge in manifest.edges),
    )


def _tags(row: RepositoryRow) -> Iterator[Finding]:
    for tag, target in row.tags.items():
        if target.digest not in row.manifests:
            yield Finding(1, f"{row.name}:{tag}", "the tag points at no manifest of its repository")
        if row.history[tag][-1].digest != target.digest:
            yield Finding(4, f"{row.name}:{tag}", "the newest entry of the history is not what the tag points at")
