"""What is cached of upstreams is bounded: the longest unused goes, and tags that are gone there."""

from collections.abc import Callable, Mapping

from orlop.domain.counts import counted
from orlop.domain.durations import MINUTE, span
from orlop.domain.errors import ManifestUnknown
from orlop.domain.job_kinds import CACHE_CLEARING, CACHE_EXPIRY
from orlop.domain.names import lineage
from orlop.domain.queue import Order, Progress
from orlop.domain.settings import place_words
from orlop.domain.sizes import size_of, size_words
from orlop.domain.upstreams.eviction import DOWN_TO, MOMENT, turn
from orlop.ports.by import By
from orlop.ports.caching import Caches, Evicted
from orlop.ports.catalog import Manifests
from orlop.ports.clock import Clock
from orlop.ports.queue import Jobs
from orlop.ports.upstreams import RemoteTags
from orlop.ports.usage import Usages
from orlop.services.jobs.work import Run, Work
from orlop.services.settings.in_force import InForce
from orlop.services.settings.placed import PlacedSettings

#: How often caches are looked at whether or not one is beyond its bound, in microseconds.
_EVERY = 10 * MINUTE

#: Manifests whose use is looked up at once, and tags that are gone.
_HEAD, _TAGS = 50, 500

#: Who removes what no upstream brought.
_ACTOR = "cache-expiry"

Tell = Callable[[Progress], None]


class CacheExpiry:
    """`evicted` is told of each upstream, as `hub/hub`, how many bytes less of it are cached."""

    def __init__(
        self,
        upstreams: PlacedSettings,
        caches: Caches,
        usages: Usages,
        manifests: Manifests,
        tags: RemoteTags,
        jobs: Jobs,
        clock: Clock,
        evicted: Callable[[str, int], None] = lambda *_: None,
    ) -> None:
        self._upstreams = upstreams
        self._caches = caches
        self._usages = usages
        self._manifests = manifests
        self._tags = tags
        self._jobs = jobs
        self._clock = clock
        self._evicted = evicted

    def works(self) -> tuple[Work, Work]:
        """The kinds of jobs."""

        async def expire(run: Run) -> str:
            return await self.expire(run.tell)

        async def clear(run: Run) -> str:
            return await self.clear(run.place, run.arguments["upstream"], run.tell)

        return Work(CACHE_EXPIRY, expire, _EVERY), Work(CACHE_CLEARING, clear)

    async def look(self) -> bool:
        """Have caches looked at soon if one is beyond its bound; whether one is. Without a bound nothing is asked."""
        upstreams = await self._upstreams.by_place()
        if not any(each.body.cache_bytes for each in upstreams.values()):
            return False
        excess = await self._excess(upstreams)
        if not any(excess.values()):
            return False
        order = Order(kind=CACHE_EXPIRY.kind, arguments={}, once=CACHE_EXPIRY.kind)
        await self._jobs.ask(order, By(_ACTOR, self._clock.now()))
        return True

    async def expire(self, tell: Tell = lambda _: None) -> str:
        """Remove what nobody used for as long as its upstream says, what is beyond its bound, and tags that are gone;
        what became of it, in words."""
        said = []
        upstreams = await self._upstreams.by_place()
        for path, each in sorted(upstreams.items()):
            done = Evicted()
            if each.body.unused:
                until = self._clock.now() - span(each.body.unused)
                done = await self._sweep(path, each.name, until, tell)
            if each.body.cache_bytes:
                wanted = (await self._excess(upstreams))[path]
                if wanted:
                    until = self._clock.now() - MOMENT
                    done = done.plus(await self._sweep(path, each.name, until, tell, wanted=wanted))
            if done.manifests:
                said.append(_evicted(path, done))
        gone = await self._vanished(upstreams)
        if gone:
            said.append(f"{counted(gone, 'tag')} removed that their upstreams have no more")
        return "; ".join(said) or "everything that is cached is within its bounds"

    async def clear(self, path: str, name: str, tell: Tell = lambda _: None) -> str:
        """Remove all that is cached at a place, but what is locked; what became of it, in words."""
        return _evicted(path, await self._sweep(path, name, self._clock.now(), tell))

    async def _sweep(self, path: str, name: str, until: int, tell: Tell, *, wanted: int | None = None) -> Evicted:
        """Remove what was not used since a moment, the longest unused first, until so many bytes less are cached."""
        done = Evicted()
        while True:
            head, more = await self._caches.unused(path, until, _HEAD)
            if not head and not more:
                return done
            now = max(self._clock.now(), until + 1)
            what = turn(head, more=more, until=until, now=now)
            await self._caches.look_again(what.later)
            for cached in what.going:
                gone = await self._caches.evict(cached, By(f"upstream:{name}", now))
                self._evicted(f"{place_words(path)}{name}", gone.bytes)
                done = done.plus(gone)
                tell(Progress(done.bytes, wanted or done.bytes, "bytes", place_words(path)))
                if wanted is not None and done.bytes >= wanted:
                    return done

    async def _excess(self, upstreams: Mapping[str, InForce]) -> dict[str, int]:
        """By place: how many bytes are to go for its cache to be well within its bound; 0 where it is within it.

        What another upstream below caches is in its bounds, not in these."""
        found = await self._usages.of(list(upstreams), self._clock.now())
        cached = {path: found[path][0].cached_bytes if path in found else 0 for path in upstreams}
        excess: dict[str, int] = {}
        for path, each in upstreams.items():
            bound = size_of(each.body.cache_bytes) if each.body.cache_bytes else None
            used = cached[path] - sum(cached[other] for other in upstreams if _next_above(other, upstreams) == path)
            beyond = bound is not None and used > bound
            excess[path] = used - bound * DOWN_TO // 100 if bound is not None and beyond else 0
        return excess

    async def _vanished(self, upstreams: Mapping[str, InForce]) -> int:
        """Remove the tags that are gone for longer than they are kept; how many were still here."""
        now, removed = self._clock.now(), 0
        kept = {
            path: span(each.body.keep_vanished) if each.body.keep_vanished else 0 for path, each in upstreams.items()
        }
        if not kept:
            return 0
        page = await self._caches.gone_tags(now - min(kept.values()), None, _TAGS)
        while page:
            for gone in page:
                each = await self._upstreams.nearest(gone.repository)
                if each is None or gone.gone_since >= now - kept.get(each.path, 0):
                    continue
                if gone.cached:
                    try:
                        await self._manifests.untag(gone.repository, gone.tag, By(f"upstream:{each.name}", now))
                        removed += 1
                    except ManifestUnknown:
                        pass  # it has gone with its manifest
                await self._tags.forget(gone.repository, gone.tag)
            page = await self._caches.gone_tags(now - min(kept.values()), page[-1], _TAGS)
        return removed


def _next_above(path: str, upstreams: Mapping[str, InForce]) -> str | None:
    """The nearest place above that has an upstream."""
    return next((above for above in reversed(lineage(path)[:-1]) if above in upstreams), None)


def _evicted(path: str, done: Evicted) -> str:
    return (
        f"{counted(done.manifests, 'manifest')} and {counted(done.tags, 'tag')} of {place_words(path)} are removed,"
        f" {size_words(done.bytes)} less are cached"
    )
