"""Reads images that wait: layers that nobody read yet in a process each, then all of them put together.

It is a job of the lowest priority, and rests after each image for as long as that took. What it is broken off at waits
and is begun again; what fails is tried again later, and then known as unread, with the reason.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

from orlop.domain.access.subjects import SYSTEM, Caller
from orlop.domain.artifacts import kind_of
from orlop.domain.content_kinds import ContentKind
from orlop.domain.durations import HOUR, MINUTE, SECOND
from orlop.domain.errors import BlobUnknown, ContentCorrupt, ManifestInvalid, RegistryError
from orlop.domain.inside.assembly import ASSEMBLER_VERSION, ImageClaims, ImagePackages, assembling
from orlop.domain.inside.layers import LayerFacts
from orlop.domain.job_kinds import INSIDE, INSIDE_UPKEEP, MATCHING, SBOM_RULES_APPLIED
from orlop.domain.manifest import Edge, EdgeKind, Manifest, parse_manifest
from orlop.domain.queue import Order, Progress
from orlop.domain.ranges import Span
from orlop.ports.by import By
from orlop.ports.catalog import Manifests
from orlop.ports.clock import Clock
from orlop.ports.inside import READER_VERSION, LayerReader, packing_of
from orlop.ports.insides import ClaimedImage, InsideStore
from orlop.ports.queue import Jobs
from orlop.services.content.blobs import Blobs
from orlop.services.inside.attaching import Attaching
from orlop.services.inside.documents import AttachedDocuments
from orlop.services.inside.platforms import platform_of
from orlop.services.jobs.work import Run, Work

#: How long an image is somebody's who gives no sign of life, in microseconds: larger than what the largest layer takes.
_LEASE = 2 * HOUR
#: How often an image is begun, and how long it waits after the first try that failed, four times as long after each.
_TRIES, _PAUSE = 6, 15 * SECOND
#: It never rests longer than this, however long an image took.
_REST = SECOND
#: Bytes of a layer that are read and verified at once: a tenth of a millisecond, in which no pull is answered.
_PIECE = 64 * 1024
#: Manifests that are looked at together.
_WINDOW = 500


class Later(Exception):
    """The image cannot be read now, perhaps later; the message says why."""


class ImageReading:
    """See the module. `sleep` waits for so many seconds; `forgetting` removes what else is known of images that are
    gone, and says how many rows that were."""

    def __init__(
        self,
        store: InsideStore,
        manifests: Manifests,
        blobs: Blobs,
        reader: LayerReader,
        documents: AttachedDocuments,
        attaching: Attaching,
        jobs: Jobs,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        forgetting: Sequence[Callable[[], Awaitable[int]]] = (),
    ) -> None:
        self._store = store
        self._manifests = manifests
        self._blobs = blobs
        self._reader = reader
        self._documents = documents
        self._attaching = attaching
        self._jobs = jobs
        self._clock = clock
        self._sleep = sleep
        self._forgetting = forgetting

    def works(self) -> tuple[Work, ...]:
        """The job that reads, and the one that looks for what was missed and forgets what is gone."""
        return (
            Work(INSIDE, self.run, MINUTE),
            Work(INSIDE_UPKEEP, self.upkeep, 24 * HOUR),
            Work(SBOM_RULES_APPLIED, self.anew),
        )

    async def call(self) -> None:
        """There is something to read."""
        order = Order(kind=INSIDE.kind, once=INSIDE.kind, priority=-1)
        await self._jobs.ask(order, By(SYSTEM.name, self._clock.now()))

    async def run(self, run: Run) -> str:
        """Read what waits, until nothing does."""
        done = failed = attached = 0
        refused: tuple[str, ...] = ()
        unmatched = False
        total = (await self._store.images.depths()).waiting  # counting takes the longer the more wait: once
        while True:
            now = self._clock.now()
            claimed = await self._store.images.claim(now, now + _LEASE, 1)
            if not claimed and unmatched:  # lists tell of them at once; what waits meanwhile is looked for once more
                unmatched = False
                await self._jobs.ask(Order(kind=MATCHING.kind, once=MATCHING.kind), By(SYSTEM.name, now))
                continue
            if not claimed:
                return _ended(done, failed, attached, refused)
            is_read = await self.read(claimed[0])
            if is_read:
                made = await self._attaching.image(claimed[0].digest)
                attached, refused = attached + made.attached, (refused or made.refused[:1])
            unmatched = unmatched or is_read
            done, failed = done + is_read, failed + (not is_read)
            run.tell(Progress(done + failed, max(total, done + failed), "images"))
            await self._sleep(min(max(0, self._clock.now() - now), _REST) / SECOND)

    async def upkeep(self, run: Run) -> str:
        """Have images wait that no follower saw, or that an older release put together, and forget what is gone."""
        after, found = 0, 0
        while (following := await self._store.images.find(after, _WINDOW)) is not None:
            after, more = following
            found += more
        while older := await self._store.images.older(ASSEMBLER_VERSION, self._clock.now(), _WINDOW):
            found += older
        if found:
            await self.call()
        while await self._store.images.license(_WINDOW):
            await self._sleep(0)
        gone = await self._store.images.forget()
        for forget in self._forgetting:
            gone += await forget()
        return f"{found} to be read, {gone} rows of what is gone removed"

    async def anew(self, run: Run) -> str:
        """Have images of a place put together anew: rules there changed."""
        after: int | None = 0
        while after is not None:
            after = await self._store.places.within(run.place, after, _WINDOW, self._clock.now())
        await self.call()
        return "they are told anew"

    async def changed(self, place: str) -> None:
        """The rules of a place changed."""
        kind = SBOM_RULES_APPLIED.kind
        order = Order(kind=kind, once=f"{kind} {place}", place=place, priority=-1)
        await self._jobs.ask(order, By(SYSTEM.name, self._clock.now()))

    async def read(self, claimed: ClaimedImage) -> bool:
        """Read one image; whether that is done."""
        images = self._store.images
        try:
            edges = await self._edges(claimed)
            layers = await self._layers(claimed, edges)
            found = await self._together(layers, await self._claims(claimed, edges))
            return await images.read(claimed, found, ASSEMBLER_VERSION, self._clock.now())
        except Later as later:
            now = self._clock.now()
            again_at = now + _PAUSE * 4 ** (claimed.tries - 1) if claimed.tries < _TRIES else 0
            await images.unread(claimed, str(later), ASSEMBLER_VERSION, now, again_at)
            return False

    async def _together(self, layers: Sequence[LayerFacts], claims: ImageClaims) -> ImagePackages:
        """The image of these layers. Who pulls meanwhile has a turn after each step."""
        steps = assembling(layers, claims)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return cast("ImagePackages", end.value)
            await self._sleep(0)

    async def _claims(self, claimed: ClaimedImage, edges: Sequence[Edge]) -> ImageClaims:
        """What counts of what others say of it. Raises Later."""
        try:
            layers = [edge.digest for edge in edges]
            return await self._documents.claims(claimed.digest, layers, last=claimed.tries >= _TRIES)
        except RegistryError as error:
            raise Later(error.message) from error

    async def _layers(self, claimed: ClaimedImage, edges: Sequence[Edge]) -> Sequence[LayerFacts]:
        """What its layers say, the lowest first. Raises Later."""
        known = dict(await self._store.layers.get([edge.digest for edge in edges], READER_VERSION))
        for edge in edges:
            if edge.digest not in known:
                known[edge.digest] = await self._layer(claimed, edge)
        return [known[edge.digest] for edge in edges]

    async def _edges(self, claimed: ClaimedImage) -> Sequence[Edge]:
        """Its layers; none of what is no image after all. Its platform is learned on the way. Raises Later."""
        manifest = await self._manifest(claimed)
        if kind_of(manifest) is not ContentKind.IMAGE:
            return ()
        assert claimed.repository is not None
        platform = await platform_of(self._blobs, claimed.repository, manifest)
        if platform is not None:
            await self._store.images.runs_on(claimed, platform)
        return [edge for edge in manifest.edges if edge.kind is EdgeKind.LAYER]

    async def _manifest(self, claimed: ClaimedImage) -> Manifest:
        if claimed.repository is None:
            raise Later("no repository holds it any more")
        found = await self._manifests.resolve(claimed.repository, claimed.digest)
        if found is None:
            raise Later("its repository does not hold it any more")
        try:
            return parse_manifest(found.content, found.media_type)
        except ManifestInvalid as error:
            raise Later(error.message) from error

    async def _layer(self, claimed: ClaimedImage, edge: Edge) -> LayerFacts:
        """What one layer says, which is kept unless that hangs on when it was looked at."""
        if edge.foreign:
            return LayerFacts(unread="it lies elsewhere, as foreign layers do")
        assert claimed.repository is not None
        try:
            found = await self._blobs.find(claimed.repository, edge.digest, Caller(SYSTEM))
            content = await self._blobs.open(found.blob)
        except BlobUnknown as missing:
            raise Later(f"the layer {edge.digest} is not here: {missing.message}") from missing
        except RegistryError as error:
            raise Later(error.message) from error
        try:
            pieces = content.chunks(Span(0, found.blob.size), _PIECE)
            facts = await self._reader.facts(pieces, packing_of(edge.media_type))
        except ContentCorrupt as corrupt:
            await self._blobs.damaged(found.blob, corrupt)
            raise Later(f"the layer {edge.digest} is damaged") from corrupt
        except RegistryError as error:
            if claimed.tries >= _TRIES:  # whatever ends its process each time: the others are told, and it is not kept
                return LayerFacts(unread=error.message)
            raise Later(error.message) from error
        finally:
            content.close()
        await self._store.layers.keep(edge.digest, READER_VERSION, facts, self._clock.now())
        return facts


def _ended(done: int, failed: int, attached: int, refused: Sequence[str]) -> str:
    """How the job ended, in a few words."""
    said = f"{done} read, {failed} not"
    if attached:
        said += f", {attached} SBOMs attached"
    return f"{said}; not attached: {refused[0]}" if refused else said
