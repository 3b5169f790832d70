"""`orlop gc --full`: whether what collections go by is what the manifests say, worked out anew from their bytes.

Collections are fed by changes: a push makes links tight, the end of a manifest makes them loose. Here every manifest is
read again, page by page, then every link and every blob. What differs was missed by the changes. Pushes and
collections go on meanwhile, so whatever differs is looked at a second time before it is named.
"""

import asyncio
from collections.abc import AsyncIterator, Callable

import msgspec

from orlop.domain.blob import BlobState
from orlop.domain.errors import ManifestInvalid
from orlop.domain.manifest import Edge, parse_manifest
from orlop.ports.catalog import By, Inspection, ManifestRecord
from orlop.ports.clock import Clock
from orlop.ports.collection import BlobMark, LinkMark, Marking

_MANIFESTS, _ROWS = 50, 500

#: Manifests above this size are read in a thread, in bytes.
_INLINE = 64 * 1024

#: Differences that a report names; the others are counted.
NAMED = 1_000

_ACTOR = "collection"


class Difference(msgspec.Struct, frozen=True):
    """What collections go by and should not."""

    where: str
    what: str


class Marked(msgspec.Struct):
    """What was looked at so far, and what differs. `reclaimable`: bytes of blobs that nothing needs and no collection
    would have taken."""

    manifests: int = 0
    links: int = 0
    blobs: int = 0
    differences: int = 0
    mended: int = 0
    reclaimable: int = 0
    named: list[Difference] = []

    def found(self, where: str, what: str) -> None:
        """One difference more."""
        self.differences += 1
        if len(self.named) < NAMED:
            self.named = [*self.named, Difference(where, what)]


class FullMarking:
    """Marks everything anew."""

    def __init__(self, inspection: Inspection, rows: Marking, clock: Clock) -> None:
        self._inspection = inspection
        self._rows = rows
        self._clock = clock

    async def run(self, *, mend: bool, progress: Callable[[Marked], None] = lambda _: None) -> Marked:
        """Compare everything, and put right what differs if `mend`. May be stopped anywhere."""
        marked = Marked()
        await self._manifests(marked, mend=mend, progress=progress)
        await self._links(marked, mend=mend, progress=progress)
        await self._blobs(marked, mend=mend, progress=progress)
        return marked

    async def _manifests(self, marked: Marked, *, mend: bool, progress: Callable[[Marked], None]) -> None:
        last = 0
        while records := await self._inspection.manifests(last, _MANIFESTS):
            last = records[-1].id
            for record in records:
                marked.manifests += 1
                large = len(record.content) > _INLINE
                edges = await asyncio.to_thread(_wrong, record) if large else _wrong(record)
                again = await self._inspection.manifests(record.id - 1, 1) if edges is not None else ()
                if edges is None or not again or again[0].id != record.id:
                    continue
                where = f"{record.repository}@{record.digest}"
                marked.found(where, "the rows of what the manifest names differ from its bytes")
                if mend and await self._rows.mend_edges(record.id, edges, self._by()):
                    marked.mended += 1
            progress(marked)

    async def _links(self, marked: Marked, *, mend: bool, progress: Callable[[Marked], None]) -> None:
        async for page in self._link_pages():
            marked.links += len(page)
            wrong = [link for link in page if link.loose == link.named and await self._is_still(link)]
            for link in wrong:
                what = "a manifest names it, and it counts as loose" if link.named else "no manifest names it"
                marked.found(f"{link.repository}@{link.digest}", what)
            if wrong and mend:
                await self._rows.mend_links(wrong, self._by())
                marked.mended += len(wrong)
            progress(marked)

    async def _link_pages(self) -> AsyncIterator[tuple[LinkMark, ...]]:
        last: LinkMark | None = None
        while page := await self._rows.links(last, _ROWS):
            yield page
            last = page[-1]

    async def _is_still(self, link: LinkMark) -> bool:
        return await self._rows.link(link.repository_id, link.digest) == link

    async def _blobs(self, marked: Marked, *, mend: bool, progress: Callable[[Marked], None]) -> None:
        last = 0
        while page := await self._rows.blobs(last, _ROWS):
            last = page[-1].id
            marked.blobs += len(page)
            wrong = [blob for blob in page if _differs(blob) and await self._is_blob_still(blob)]
            for blob in wrong:
                if blob.linked:
                    marked.found(blob.digest, "a repository holds it, and it is condemned")
                else:
                    marked.found(blob.digest, "no repository holds it, and it is not condemned")
                    marked.reclaimable += blob.size
            if wrong and mend:
                await self._rows.mend_blobs([blob.id for blob in wrong], self._by())
                marked.mended += len(wrong)
            progress(marked)

    async def _is_blob_still(self, blob: BlobMark) -> bool:
        again = await self._rows.blobs(blob.id - 1, 1)
        return bool(again) and again[0] == blob

    def _by(self) -> By:
        return By(_ACTOR, self._clock.now())


def _wrong(record: ManifestRecord) -> tuple[Edge, ...] | None:
    """What a manifest names, where its rows say something else; None where they do not, or nobody can read it."""
    try:
        edges = parse_manifest(record.content, record.media_type).edges
    except ManifestInvalid:
        return None
    said = tuple((edge.kind.value, edge.digest, edge.size) for edge in edges)
    return tuple(edges) if said != record.edges else None


def _differs(blob: BlobMark) -> bool:
    return blob.state is (BlobState.CONDEMNED if blob.linked else BlobState.LIVE)
