"""Updates advisories from their sources: fetches what is due, takes it in, and forgets what left a source that is
pruned. What goes wrong with one source is written down and leaves everything as it was; the others go on.

Everything that a source has is read before the first of it is taken in. Only the catalog itself can fail after that:
then what was taken in stays, the state of the source is still that of before, and the next update takes the rest."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing

import msgspec

from orlop.domain.access.subjects import SYSTEM
from orlop.domain.counts import counted
from orlop.domain.durations import MINUTE
from orlop.domain.errors import NotFound
from orlop.domain.fields import nearest
from orlop.domain.inside.sources import ADVISORY_SOURCES, AdvisoryFeed, SourceWay
from orlop.domain.job_kinds import ADVISORY_UPDATE, MATCHING, UpdateArguments
from orlop.domain.queue import Order, Progress
from orlop.domain.sizes import size_words
from orlop.ports.advisories import (
    Advisories,
    AdvisoryFetcher,
    AdvisoryReader,
    AdvisorySource,
    AdvisorySources,
    Fetched,
    ImportRefused,
    ReadBatch,
    SourceFailed,
)
from orlop.ports.by import By
from orlop.ports.clock import Clock
from orlop.ports.queue import Jobs
from orlop.ports.settings import Document, Documents
from orlop.services.advisories.importing import Imported, Importing
from orlop.services.advisories.whole import whole
from orlop.services.jobs.work import Run, Work

#: How often it is looked which sources are due, in microseconds, and advisories that are forgotten at a time.
_LOOK, _AT_ONCE = 5 * MINUTE, 500
#: A source that loses more than this part of its advisories at once is taken for one that is broken.
_MOST_GONE = 0.5


class Feed(msgspec.Struct, frozen=True):
    """A source as its setting says."""

    name: str
    identity: str
    body: AdvisoryFeed


async def feeds(documents: Documents) -> tuple[Feed, ...]:
    """Every source that is set, by name. Raises RequestInvalid for one of a newer release."""
    return tuple(map(_feed, await documents.all(ADVISORY_SOURCES.kind)))


def _feed(document: Document) -> Feed:
    return Feed(
        document.name,
        document.identity,
        ADVISORY_SOURCES.parse(document.name, msgspec.json.decode(document.body, type=dict)),
    )


class Updating:
    """See the module."""

    def __init__(
        self,
        documents: Documents,
        fetchers: Mapping[SourceWay, AdvisoryFetcher],
        reader: AdvisoryReader,
        importing: Importing,
        advisories: Advisories,
        sources: AdvisorySources,
        jobs: Jobs,
        clock: Clock,
    ) -> None:
        self._documents = documents
        self._fetchers = fetchers
        self._reader = reader
        self._importing = importing
        self._advisories = advisories
        self._sources = sources
        self._jobs = jobs
        self._clock = clock

    def work(self) -> Work:
        """The kind of job; by itself it asks those that are due."""
        return Work(ADVISORY_UPDATE, self._run, _LOOK)

    async def _run(self, run: Run) -> str:
        arguments = msgspec.convert(run.arguments, UpdateArguments)
        wanted = await self._wanted(arguments)
        told: list[str] = []
        failed: list[str] = []
        changed = 0
        for number, feed in enumerate(wanted):
            try:
                done = await self._one(feed, run, number, len(wanted))
            except (SourceFailed, ImportRefused) as error:
                failed.append(f"{feed.name}: {error.message}")
                continue
            run.tell(Progress(number + 1, len(wanted), "sources"))
            changed += done.changed + done.gone if done is not None else 0
            told.append(f"{feed.name}: {_words(done)}")
        if changed:
            await self._jobs.ask(Order(kind=MATCHING.kind, once=MATCHING.kind), self._by())
        if failed:
            raise SourceFailed("; ".join(failed + told))
        return "; ".join(told) or "no source is due"

    async def _wanted(self, arguments: UpdateArguments) -> Sequence[Feed]:
        """Raises NotFound."""
        known = {feed.name: feed for feed in await feeds(self._documents)}
        for name in arguments.sources:
            if name not in known:
                raise NotFound(f"there is no source {name[:63]!r} of advisories{nearest(name, tuple(known))}")
        if arguments.sources:
            return [known[name] for name in dict.fromkeys(arguments.sources)]
        if arguments.all:
            return list(known.values())
        now, tried = self._clock.now(), {one.name: one for one in await self._sources.all()}
        return [
            feed
            for feed in known.values()
            if feed.name not in tried
            or tried[feed.name].origin != feed.body.origin
            or tried[feed.name].tried_at + feed.body.interval <= now
        ]

    async def _one(self, feed: Feed, run: Run, number: int, of: int) -> Imported | None:
        """None: there is nothing new. Raises SourceFailed, ImportRefused."""
        before = await self._sources.get(feed.name)
        state = before.etag if before is not None and before.origin == feed.body.origin else ""

        def fetched(size: int) -> None:
            run.tell(Progress(number, of, "sources", f"{feed.name}: {size_words(size)} came"))

        def read(records: int) -> None:
            run.tell(Progress(number, of, "sources", f"{feed.name}: {counted(records, 'record')} read"))

        def taken(done: Imported) -> None:
            run.tell(Progress(number, of, "sources", f"{feed.name}: {counted(done.records, 'record')} taken in"))

        fetched(0)
        fetcher = self._fetchers[feed.body.way]
        try:
            async with fetcher.fetch(feed.body, feed.identity, state, fetched) as found:
                if not found.files:
                    await self._unchanged(feed, before, found.state)
                    return None
                seen: set[str] | None = set(found.names or ()) if feed.body.prune else None
                done = await self._importing.batches(
                    feed.name,
                    whole(self._read(found, seen, read)),
                    self._by(),
                    origin=feed.body.origin,
                    etag=found.state,
                    told=taken,
                )
        except SourceFailed as error:
            await self._importing.failed(feed.name, feed.body.origin, error, self._by())
            raise
        except OSError as cause:
            failure = SourceFailed(f"{feed.body.origin} cannot be kept while it is read: {cause.strerror or cause}")
            await self._importing.failed(feed.name, feed.body.origin, failure, self._by())
            raise failure from cause
        if seen is not None and done.refused == 0:
            gone = await self._prune(feed, seen)
            done = msgspec.structs.replace(done, gone=gone)
        return done

    async def _read(
        self, found: Fetched, seen: set[str] | None, told: Callable[[int], None]
    ) -> AsyncGenerator[ReadBatch, None]:
        records = 0
        for file in found.files:
            async with aclosing(self._reader.read(file)) as batches:
                async for batch in batches:
                    records += len(batch.rows) + len(batch.exploited) + len(batch.scores)
                    told(records)
                    if seen is not None:
                        seen.update(row.name for row in batch.rows)
                    yield batch

    async def _unchanged(self, feed: Feed, before: AdvisorySource | None, state: str) -> None:
        now = self._clock.now()
        known = before or AdvisorySource(name=feed.name)
        told = msgspec.structs.replace(
            known, origin=feed.body.origin, etag=state, tried_at=now, imported_at=now, changed=0, error=""
        )
        await self._sources.tell(told, self._by())

    async def _prune(self, feed: Feed, seen: set[str]) -> int:
        """Forget what is not in it any more; how many rows. Raises SourceFailed where that is too much."""
        gone: list[str] = []
        stay, after = 0, ""
        while names := await self._advisories.names(feed.name, after, _AT_ONCE):
            missing = [name for name in names if name not in seen]
            gone += missing
            stay += len(names) - len(missing)
            after = names[-1]
        if len(gone) > _MOST_GONE * (len(gone) + stay):
            error = SourceFailed(
                f"{counted(len(gone), 'advisory')} of {len(gone) + stay} left the source at once:"
                " nothing is forgotten; remove the source and set it anew if that is right"
            )
            known = await self._sources.get(feed.name) or AdvisorySource(name=feed.name)
            # It is looked at as a whole the next time, too.
            await self._sources.tell(msgspec.structs.replace(known, etag="", error=error.message), self._by())
            raise error
        rows = 0
        for start in range(0, len(gone), _AT_ONCE):
            rows += await self._advisories.forget(feed.name, gone[start : start + _AT_ONCE])
        return rows

    def _by(self) -> By:
        return By(SYSTEM.name, self._clock.now())


def _words(done: Imported | None) -> str:
    if done is None:
        return "nothing new"
    gone = f", {done.gone} forgotten" if done.gone else ""
    return f"{counted(done.records, 'record')}, {done.changed} new or changed{gone}, {done.refused} refused"
