"""The job that fills the cache ahead of need: images come in as a pull would bring them, as far as the budget goes."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import msgspec

from orlop.domain.access import SYSTEM
from orlop.domain.counts import counted
from orlop.domain.descriptor import Descriptor, Platform
from orlop.domain.digest import Digest
from orlop.domain.durations import SECOND
from orlop.domain.errors import NotFound, RegistryError, TooManyRequests, Unavailable
from orlop.domain.job_kinds import PREFETCH, PrefetchArguments
from orlop.domain.manifest import EdgeKind, Manifest, parse_index_entries, parse_manifest
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import PageRequest
from orlop.domain.platforms import matches, parse_platform
from orlop.domain.queue import Order, Progress
from orlop.domain.settings import place_words
from orlop.domain.sizes import size_words
from orlop.domain.upstreams.budget import Need
from orlop.domain.upstreams.showing import Showing
from orlop.domain.upstreams.wanted import WantedImages, wanted_images
from orlop.ports.catalog import By
from orlop.ports.clock import Clock
from orlop.ports.queue import Jobs
from orlop.ports.upstreams import Remotes
from orlop.services.jobs.work import Run, Work
from orlop.services.upstreams.blobs import ShownBlobs
from orlop.services.upstreams.lists import ShownLists
from orlop.services.upstreams.manifests import ShownManifests
from orlop.services.upstreams.shown import Upstreams

#: Images, and blobs of each, that are fetched at a time.
_IMAGES, _BLOBS = 3, 3
#: Tags that one job fetches at most, and what refers to one manifest.
_TAGS, _REFERRERS = 10_000, 100
#: How deep indexes stand in each other.
_DEPTH = 4


class _Fetched(msgspec.Struct):
    """What a job did."""

    tags: int = 0
    of: int = 0
    blobs: int = 0
    size: int = 0
    failed: int = 0
    first: str = ""
    """What the first that failed was told."""

    def failing(self, what: str, error: RegistryError) -> None:
        """One more failed."""
        self.failed += 1
        self.first = self.first or f"{what}: {error.message}"


class Prefetcher:
    """See the module."""

    def __init__(
        self,
        shown: Upstreams,
        manifests: ShownManifests,
        blobs: ShownBlobs,
        lists: ShownLists,
        remotes: Remotes,
        jobs: Jobs,
        clock: Clock,
    ) -> None:
        self._shown = shown
        self._manifests = manifests
        self._blobs = blobs
        self._lists = lists
        self._remotes = remotes
        self._jobs = jobs
        self._clock = clock

    def work(self) -> Work:
        """The kind of job; it does not run by itself."""
        return Work(PREFETCH, self._run)

    async def _run(self, run: Run) -> str:
        arguments = msgspec.convert(run.arguments, PrefetchArguments)
        showing = await self._shown.at(run.place, arguments.upstream)
        if showing is None:
            raise NotFound(f"there is no upstream {arguments.upstream} at {place_words(run.place)} any more")
        done = _Fetched()
        try:
            await self._images(showing, arguments, done, run)
        except TooManyRequests as refusal:
            return await self._goes_on(run, done, refusal)
        return _words(done)

    async def _goes_on(self, run: Run, done: _Fetched, refusal: TooManyRequests) -> str:
        """Have another job do the rest when there is something left to ask with."""
        now = self._clock.now()
        not_before = now + refusal.retry_after * SECOND
        order = Order(kind=PREFETCH.kind, arguments=run.arguments, place=run.place, not_before=not_before)
        later = await self._jobs.ask(order, By(SYSTEM.name, now))
        assert later is not None, "a job without `once` is always made"
        return f"{_words(done)}; {refusal.message}: job {later.id} goes on in {refusal.retry_after} seconds"

    async def _images(self, showing: Showing, arguments: PrefetchArguments, done: _Fetched, run: Run) -> None:
        platforms = [parse_platform(each) for each in arguments.platforms]
        wanted = []
        for each in map(wanted_images, arguments.images):
            try:
                wanted += [(each, reference) for reference in await self._of(showing, each)]
            except (TooManyRequests, Unavailable):
                raise
            except RegistryError as error:
                done.failing(each.repository, error)
        done.of = len(wanted)
        turns = asyncio.Semaphore(_IMAGES)

        async def one(repository: RepositoryName, reference: Tag | Digest) -> None:
            async with turns:
                try:
                    await self._image(repository, reference, platforms, done, referrers=arguments.referrers)
                    done.tags += 1
                except (TooManyRequests, Unavailable):
                    raise
                except RegistryError as error:
                    done.failing(repository, error)
                run.tell(Progress(done.tags, done.of, "images", f"{size_words(done.size)} came"))

        await _all_of([one(showing.local(each.repository), reference) for each, reference in wanted])

    async def _of(self, showing: Showing, wanted: WantedImages) -> Sequence[Tag | Digest]:
        """The references that are meant. Raises NameUnknown."""
        if wanted.digest is not None:
            return [wanted.digest]
        if wanted.tag:
            return [Tag(wanted.tag)]
        remote = showing.remote(showing.local(wanted.repository))
        if remote is None:
            raise NotFound(f"the upstream {showing.name} does not show {wanted.repository}: see its allow and deny")
        content = await self._remotes.repository(showing, remote, Need.AHEAD)
        found: list[Tag | Digest] = []
        async for tag in content.tags():
            if wanted.matches(tag):
                found.append(Tag(tag))
            if len(found) == _TAGS:
                break
        return found

    async def _image(
        self,
        repository: RepositoryName,
        reference: Tag | Digest,
        platforms: Sequence[Platform],
        done: _Fetched,
        *,
        referrers: bool,
        depth: int = 0,
    ) -> None:
        """A manifest with all that it names, and what refers to it."""
        found = (await self._manifests.resolve(repository, reference, head=False, need=Need.AHEAD)).manifest
        manifest = parse_manifest(found.content, found.media_type)
        if manifest.is_index and depth < _DEPTH:
            for entry in parse_index_entries(found.content):
                if _is_wanted(entry, platforms):
                    await self._image(
                        repository, Digest(entry.digest), platforms, done, referrers=referrers, depth=depth + 1
                    )
        await self._content(repository, manifest, done)
        if referrers and depth < _DEPTH:
            page = await self._lists.referrers(repository, found.digest, None, PageRequest(_REFERRERS))
            for entry in page.items:
                await self._image(
                    repository, Digest(entry.digest), platforms, done, referrers=referrers, depth=depth + 1
                )

    async def _content(self, repository: RepositoryName, manifest: Manifest, done: _Fetched) -> None:
        turns = asyncio.Semaphore(_BLOBS)

        async def one(digest: Digest, size: int) -> None:
            async with turns:
                came = await self._blobs.fill(repository, digest, size)
                done.blobs += came > 0
                done.size += came

        named = [edge for edge in manifest.edges if edge.kind is not EdgeKind.MANIFEST and not edge.foreign]
        blobs = {edge.digest: edge.size for edge in named}
        await _all_of([one(digest, size) for digest, size in blobs.items()])


def _is_wanted(entry: Descriptor, platforms: Sequence[Platform]) -> bool:
    """Whether an entry of an index is for a platform that is wanted; what is for none, as attestations, always is."""
    offered = entry.platform
    if not platforms or offered is None or offered.os == "unknown":
        return True
    return any(matches(each, offered) for each in platforms)


def _words(done: _Fetched) -> str:
    failed = f"; {done.failed} could not be fetched, the first: {done.first}" if done.failed else ""
    return (
        f"{done.tags} of {done.of} images are here: {counted(done.blobs, 'blob')} of"
        f" {size_words(done.size)} came{failed}"
    )


async def _all_of(work: Sequence[Coroutine[Any, Any, None]]) -> None:
    """All of it; the first that fails ends the rest."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
