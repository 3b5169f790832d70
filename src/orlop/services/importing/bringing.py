"""Brings what a plan names: each tag with its image, children and referrers, as it is there, to the byte.

One tag that cannot be had stops no other. What is here already is not sent: a run that was broken off goes on when
it is run again, and one with nothing to do sends nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple, Protocol

from orlop.domain.errors import (
    BlobUnknown,
    Conflict,
    ManifestUnknown,
    NameUnknown,
    RegistryError,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    Unsupported,
)
from orlop.domain.importing.outcome import Failure, Imported, TagOutcome
from orlop.domain.importing.plan import PlannedRepository
from orlop.ports.importing import ImportedRepository, ImportSource, ImportTargets
from orlop.ports.upstream import ContentTarget, UpstreamError
from orlop.services.content.copy import CopyRequest, Outcome, copy

#: Failures of one side in a row, after which it is taken to be away.
AWAY = 20
#: What a side that is away answers, or one that lets nobody in.
_NO_ANSWER = (UpstreamError, Unavailable, Unauthorized, TooManyRequests)
#: Failures that a report names; the rest are counted in one line.
NAMED = 10_000


class ImportProgress(Protocol):
    """Told how an import goes. Every call is quick."""

    def began(self, repository: PlannedRepository, number: int, of: int) -> None:
        """A repository, the `number`th, is looked at."""

    def settled(self, repository: PlannedRepository, reference: str, outcome: TagOutcome, message: str) -> None:
        """A tag is done with; `message` says why it failed."""


class _Found(NamedTuple):
    outcome: TagOutcome
    sent: int = 0
    failure: Failure | None = None
    away: bool = False


class Bringing:
    """One run of a plan."""

    def __init__(
        self,
        source: ImportSource,
        targets: ImportTargets,
        progress: ImportProgress,
        *,
        jobs: int,
        dry: bool = False,
        keep: bool = False,
    ) -> None:
        """`jobs` images travel at once. `dry`: only look what would have to be brought; neither side is written.
        `keep`: a tag that is here and points elsewhere stays as it is, and is a failure."""
        self._source = source
        self._targets = targets
        self._progress = progress
        self._jobs = jobs
        self._dry = dry
        self._keep = keep
        self._counts = dict.fromkeys(TagOutcome, 0)
        self._sent = 0
        self._failures: list[Failure] = []
        self._unheard = 0

    async def run(self, wanted: Sequence[PlannedRepository], *, untagged: bool) -> Imported:
        """Bring these, and with `untagged` what no tag leads to. What goes wrong is not raised: it is in the report."""
        stopped, done = "", 0
        try:
            for number, repository in enumerate(wanted, 1):
                self._progress.began(repository, number, len(wanted))
                await self._repository(repository, untagged)
                done += 1
        except _Away as away:
            stopped = str(away)
        return Imported(
            repositories=done,
            brought=self._counts[TagOutcome.BROUGHT],
            present=self._counts[TagOutcome.PRESENT],
            gone=self._counts[TagOutcome.GONE],
            copied_bytes=self._sent,
            failures=tuple(self._failures),
            stopped=stopped,
        )

    async def _repository(self, repository: PlannedRepository, untagged: bool) -> None:
        try:
            await self._bring(repository, untagged)
        except RegistryError as error:
            self._settle(repository, "", self._failed(repository, "", error))

    async def _bring(self, repository: PlannedRepository, untagged: bool) -> None:
        async with (
            self._source.repository(repository.source) as source,
            self._targets.repository(repository.target) as target,
        ):
            await self._all(repository, source, target, source.tags(), tagged=True)
            if untagged:
                # Only now: what came with a tag is there, and is passed over at once.
                await self._all(repository, source, target, source.untagged(), tagged=False)

    async def _all(
        self,
        repository: PlannedRepository,
        source: ImportedRepository,
        target: ContentTarget,
        references: AsyncIterator[str],
        *,
        tagged: bool,
    ) -> None:
        """As many at once as there are jobs; the list is read as they are done."""
        free = asyncio.Semaphore(self._jobs)
        running: set[asyncio.Task[None]] = set()

        async def one(reference: str) -> None:
            try:
                self._settle(repository, reference, await self._one(repository, source, target, reference, tagged))
            finally:
                free.release()

        try:
            async for reference in references:
                await free.acquire()
                for task in [task for task in running if task.done()]:
                    running.discard(task)
                    task.result()
                running.add(asyncio.create_task(one(reference)))
            await asyncio.gather(*running)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _one(
        self,
        planned: PlannedRepository,
        source: ImportedRepository,
        target: ContentTarget,
        reference: str,
        tagged: bool,
    ) -> _Found:
        try:
            found = await source.fetch(reference)
            there = await _there(target, reference) if tagged else None
            named = there == found.digest
            if there is not None and not named and self._keep:
                raise Conflict(f"{planned.target}:{reference} is another image, {there}, and stays")
            if self._dry:
                return _Found(TagOutcome.PRESENT if named else TagOutcome.BROUGHT)
            wanted = (reference,) if tagged and not named else ()
            request = CopyRequest(reference=found.digest, tags=wanted, referrers=True, jobs=2, trusting=True)
            report = await copy(source, target, request)
        except (ManifestUnknown, NameUnknown, BlobUnknown) as error:
            if tagged and not await self._listed(source, reference):
                return _Found(TagOutcome.GONE)
            return self._failed(planned, reference, error)
        except RegistryError as error:
            return self._failed(planned, reference, error)
        whole = not wanted and all(outcome is Outcome.PRESENT for outcome in report.manifests.values())
        return _Found(TagOutcome.PRESENT if whole else TagOutcome.BROUGHT, report.copied_bytes)

    async def _listed(self, source: ImportedRepository, tag: str) -> bool:
        """Whether a tag that cannot be read is still there: then it is broken, and was not removed meanwhile."""
        try:
            async for listed in source.tags():
                if listed == tag:
                    return True
        except RegistryError:
            return True
        return False

    def _failed(self, planned: PlannedRepository, reference: str, error: RegistryError) -> _Found:
        failure = Failure(repository=planned.source, reference=reference, code=error.code, message=error.message)
        return _Found(TagOutcome.FAILED, failure=failure, away=isinstance(error, _NO_ANSWER))

    def _settle(self, planned: PlannedRepository, reference: str, found: _Found) -> None:
        self._counts[found.outcome] += 1
        self._sent += found.sent
        self._unheard = self._unheard + 1 if found.away else 0
        message = found.failure.message if found.failure else ""
        if found.failure is not None and len(self._failures) < NAMED:
            self._failures.append(found.failure)
        self._progress.settled(planned, reference, found.outcome, message)
        if self._unheard >= AWAY:
            raise _Away(f"{AWAY} in a row failed, the last because {message}")


class _Away(Exception):
    """One of both sides does not answer any more."""


async def _there(target: ContentTarget, tag: str) -> str | None:
    """What a tag points at; None where it is not there."""
    try:
        return (await target.resolve(tag)).digest
    except (ManifestUnknown, NameUnknown, Unsupported):
        return None
