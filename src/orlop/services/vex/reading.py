"""Reads VEX documents that refer to images, each in a process, as a job. Nothing of an image is read again."""

from collections.abc import Sequence

from orlop.domain.access.subjects import SYSTEM, Caller
from orlop.domain.durations import HOUR, MINUTE, SECOND
from orlop.domain.errors import BlobUnknown, ContentCorrupt, ManifestInvalid, RegistryError, RequestInvalid
from orlop.domain.inside.carriers import VEX_DOCUMENTS, CarriedLayer
from orlop.domain.inside.vex.statements import BYTES, VexDocument
from orlop.domain.job_kinds import VEX, VEX_UPKEEP
from orlop.domain.manifest import parse_manifest
from orlop.domain.queue import Order, Progress
from orlop.domain.ranges import Span
from orlop.ports.by import By
from orlop.ports.catalog import Manifests
from orlop.ports.clock import Clock
from orlop.ports.queue import Jobs
from orlop.ports.vex import VexDocuments, VexReader, WaitingVex
from orlop.services.content.blobs import Blobs
from orlop.services.jobs.work import Run, Work

#: Manifests that are looked at together.
_WINDOW = 500
#: Referrers of one step; how often one is begun, and how long it waits after the first try that failed, four times as
#: long after each.
_TOGETHER, _TRIES, _PAUSE = 20, 6, 15 * SECOND


class VexReading:
    """See the module."""

    def __init__(
        self, store: VexDocuments, manifests: Manifests, blobs: Blobs, reader: VexReader, jobs: Jobs, clock: Clock
    ) -> None:
        self._store = store
        self._manifests = manifests
        self._blobs = blobs
        self._reader = reader
        self._jobs = jobs
        self._clock = clock

    def works(self) -> tuple[Work, ...]:
        """The job that reads, and the one that looks for what was missed."""
        return Work(VEX, self.run, MINUTE), Work(VEX_UPKEEP, self.upkeep, 24 * HOUR)

    async def call(self) -> None:
        """There is something to read."""
        await self._jobs.ask(Order(kind=VEX.kind, once=VEX.kind), By(SYSTEM.name, self._clock.now()))

    async def run(self, run: Run) -> str:
        """Read what waits, until nothing does."""
        done = 0
        while waiting := await self._store.waiting(self._clock.now(), _TOGETHER):
            for one in waiting:
                await self.read(one)
                done += 1
                run.tell(Progress(done, 0, "referrers"))
        return f"{done} referrers looked at"

    async def upkeep(self, run: Run) -> str:
        """Have those wait that no follower saw. An attestation at a tag is found by its push alone."""
        after, found = 0, 0
        while (following := await self._store.find(after, _WINDOW)) is not None:
            after, more = following
            found += more
        if found:
            await self.call()
        return f"{found} to be read"

    async def read(self, waiting: WaitingVex) -> None:
        """Read one referrer."""
        now = self._clock.now()
        try:
            found = await self._documents(waiting)
        except (RequestInvalid, ManifestInvalid) as refusal:
            await self._store.unread(waiting, refusal.message, now)
        except RegistryError as error:
            again_at = now + _PAUSE * 4**waiting.tries if waiting.tries + 1 < _TRIES else 0
            await self._store.unread(waiting, error.message, now, again_at)
        else:
            await self._store.read(waiting, found, now)

    async def _documents(self, waiting: WaitingVex) -> Sequence[VexDocument]:
        stored = await self._manifests.resolve(waiting.repository, waiting.digest)
        if stored is None:
            return ()
        found: list[VexDocument] = []
        for layer in VEX_DOCUMENTS.layers(parse_manifest(stored.content, stored.media_type), stored.content):
            try:
                found.append(await self._document(waiting, layer))
            except RequestInvalid:
                if layer.certain:
                    raise
        return found

    async def _document(self, waiting: WaitingVex, layer: CarriedLayer) -> VexDocument:
        link = await self._blobs.find(waiting.repository, layer.digest, Caller(SYSTEM))
        if max(layer.size, link.blob.size) > BYTES:
            raise RequestInvalid(f"the VEX document has more than {BYTES >> 20} MiB")
        content = await self._blobs.open(link.blob)
        try:
            pieces = [piece async for piece in content.chunks(Span(0, link.blob.size))]
        except ContentCorrupt as corrupt:
            await self._blobs.damaged(link.blob, corrupt)
            raise BlobUnknown(f"the layer {layer.digest} is damaged") from corrupt
        return await self._reader.read(b"".join(pieces))
