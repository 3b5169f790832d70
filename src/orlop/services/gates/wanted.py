"""Images that a gate waits for: has them read, and before that fetched where a cache has but their manifest."""

import asyncio
from contextlib import suppress

import structlog

from orlop.domain.digest import Digest
from orlop.domain.errors import RegistryError
from orlop.domain.manifest import EdgeKind
from orlop.domain.names import RepositoryName
from orlop.domain.quarantine.landing import runs
from orlop.ports.catalog import Manifests, StoredManifest
from orlop.ports.clock import Clock
from orlop.ports.insides import Insides, InsideState
from orlop.services.gates.said import read
from orlop.services.inside.reading import ImageReading
from orlop.services.upstreams.blobs import ShownBlobs
from orlop.services.upstreams.shown import Upstreams

_log = structlog.get_logger("orlop.gates")

#: Images that are fetched at a time; others wait for the next who asks.
_FETCHED = 8


class WantedImages:
    """`call` is for each pull that waits; what it begins goes on when nobody waits any more."""

    def __init__(
        self,
        manifests: Manifests,
        insides: Insides,
        reading: ImageReading,
        upstreams: Upstreams,
        blobs: ShownBlobs,
        clock: Clock,
    ) -> None:
        self._manifests = manifests
        self._insides = insides
        self._reading = reading
        self._upstreams = upstreams
        self._blobs = blobs
        self._clock = clock
        self._fetching: dict[tuple[RepositoryName, Digest], asyncio.Task[None]] = {}

    async def call(self, repository: RepositoryName, manifest: StoredManifest) -> None:
        """Have an image, or the images of an index, read that are not."""
        parsed = read(manifest)
        if parsed is None:
            return
        if runs(parsed):
            await self._one(repository, manifest)
            return
        for edge in parsed.edges[:_FETCHED] if parsed.is_index else ():
            child = await self._manifests.resolve(repository, edge.digest)
            of_child = read(child) if child is not None else None
            if child is not None and of_child is not None and runs(of_child):
                await self._one(repository, child)

    async def close(self) -> None:
        """Break off what is under way."""
        running = tuple(self._fetching.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _one(self, repository: RepositoryName, manifest: StoredManifest) -> None:
        inside = await self._insides.of(manifest.digest)
        if inside is not None and (inside.is_known or inside.state in {InsideState.READING, InsideState.UNREAD}):
            return
        if await self._upstreams.of(repository) is None:
            if inside is None:
                await self._read(manifest.digest)
            return
        key = repository, manifest.digest
        if key in self._fetching or len(self._fetching) >= _FETCHED:
            return
        task = self._fetching[key] = asyncio.create_task(self._fetch(repository, manifest))
        task.add_done_callback(lambda _: self._fetching.pop(key, None))

    async def _fetch(self, repository: RepositoryName, manifest: StoredManifest) -> None:
        parsed = read(manifest)
        edges = parsed.edges if parsed is not None else ()
        try:
            for edge in edges:
                if edge.kind in {EdgeKind.CONFIG, EdgeKind.LAYER} and not edge.foreign:
                    await self._blobs.fill(repository, edge.digest, edge.size)
            await self._read(manifest.digest)
        except RegistryError as failure:
            _log.warning("an image that a gate waits for cannot be fetched", name=repository, reason=failure.message)

    async def _read(self, digest: Digest) -> None:
        with suppress(RegistryError):
            await self._insides.again(digest, self._clock.now())
            await self._reading.call()
