"""Advisories, for those who rule or audit the registry: taken in, listed, and how that went."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from io import BytesIO

import msgspec

from orlop.domain.access import Caller
from orlop.domain.access.subjects import SYSTEM
from orlop.domain.errors import NotFound
from orlop.domain.inside.sources import AdvisoryFeed
from orlop.domain.job_kinds import MATCHING
from orlop.domain.pages import Page, PageRequest
from orlop.domain.queue import Order
from orlop.domain.settings import checked_name
from orlop.ports.advisories import AdvisoryCounts, AdvisorySource, AdvisoryStore, ReadBatch, StoredAdvisory
from orlop.ports.advisories import AdvisoryReader as Reader
from orlop.ports.by import By, by
from orlop.ports.queue import Jobs
from orlop.ports.settings import Documents
from orlop.services.advisories.importing import Imported, Importing
from orlop.services.advisories.matching import Matching
from orlop.services.advisories.updating import feeds
from orlop.services.management.operations import Gate, Operation

#: Steps of matching that an import waits for; the rest is left to the job.
_STEPS = 8


class AdvisoryStatus(msgspec.Struct, frozen=True):
    """Sources, and how many there are of everything."""

    sources: tuple["SourceStatus", ...]
    counts: AdvisoryCounts


class SourceStatus(msgspec.Struct, frozen=True):
    """How a source went. `feed`: where it is fetched from; None: somebody gave it. `age`: since it was last updated,
    in microseconds; None: never. `late`: that is too long."""

    source: AdvisorySource
    feed: AdvisoryFeed | None
    age: int | None
    late: bool


class AdvisoryDesk:
    """See the module."""

    def __init__(
        self,
        gate: Gate,
        store: AdvisoryStore,
        reader: Reader,
        importing: Importing,
        matching: Matching,
        jobs: Jobs,
        documents: Documents,
    ) -> None:
        self._gate = gate
        self._store = store
        self._reader = reader
        self._importing = importing
        self._matching = matching
        self._jobs = jobs
        self._documents = documents

    async def take(
        self, caller: Caller, source: str, lines: bytes, others: ReadBatch, *, continues: bool = False
    ) -> Imported:
        """Take in records, a line of JSON each, and what else was read; then match as many as that takes little time.
        One that `continues` is told as one import with what came of the source before.

        Raises Denied, RequestInvalid, ImportRefused.
        """
        await self._gate.check(caller, Operation.ADVISORY_IMPORT)
        actor = by(caller, self._gate.now())
        named = checked_name("source", source)
        done = await self._importing.batches(named, self._read(lines, others), actor, continues=continues)
        for _ in range(_STEPS):
            if not (await self._matching.advisories()).advisories:
                return done
        await self._jobs.ask(Order(kind=MATCHING.kind, once=MATCHING.kind), By(SYSTEM.name, self._gate.now()))
        return done

    async def _read(self, lines: bytes, others: ReadBatch) -> AsyncGenerator[ReadBatch, None]:
        if others.exploited or others.scores or others.refusals:
            yield others
        if lines:
            async with aclosing(self._reader.read(BytesIO(lines))) as batches:
                async for batch in batches:
                    yield batch

    async def status(self, caller: Caller) -> AdvisoryStatus:
        """How imports went. Raises Denied."""
        await self._gate.check(caller, Operation.ADVISORY_STATUS)
        went = {one.name: one for one in await self._store.sources.all()}
        set_ = {feed.name: feed.body for feed in await feeds(self._documents)}
        sources = [
            self._status(went.get(name) or AdvisorySource(name=name), set_.get(name)) for name in sorted({*went, *set_})
        ]
        return AdvisoryStatus(tuple(sources), await self._store.advisories.counts())

    def _status(self, source: AdvisorySource, feed: AdvisoryFeed | None) -> SourceStatus:
        age = max(0, self._gate.now() - source.imported_at) if source.imported_at else None
        return SourceStatus(source, feed, age, feed is not None and age is not None and age > feed.limit)

    async def page(self, caller: Caller, page: PageRequest, source: str) -> Page[StoredAdvisory]:
        """By name. Raises Unauthorized."""
        await self._gate.check(caller, Operation.ADVISORY_READ, own=True)
        return await self._store.advisories.page(page, source)

    async def named(self, caller: Caller, name: str) -> Sequence[StoredAdvisory]:
        """Those of a name, or with it as another name. Raises Unauthorized, NotFound."""
        await self._gate.check(caller, Operation.ADVISORY_READ, own=True)
        found = await self._store.advisories.named(name[:512])
        if not found:
            raise NotFound(f"no advisory is known as {name[:128]!r}", {"name": name[:128]})
        return found
