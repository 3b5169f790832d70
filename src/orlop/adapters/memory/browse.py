"""Lists, history, events, pull times and sizes: everything that reads rather than changes content."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import TypeVar

from orlop.adapters.memory.state import State
from orlop.domain.access.spans import NameSpan
from orlop.domain.blob import BlobState
from orlop.domain.descriptor import Descriptor
from orlop.domain.digest import Digest
from orlop.domain.errors import NameUnknown
from orlop.domain.events import Event
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import NAME_BYTES, Page, PageRequest, fitting, page_of, weight
from orlop.ports.catalog import Pull, TagChange, Totals

S = TypeVar("S", bound=str)


class MemoryBrowse:
    """See ports.catalog.Browse and TagHistory."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def repositories(self, page: PageRequest, within: Sequence[NameSpan] | None = None) -> Page[RepositoryName]:
        if within is None:
            return _page(self._state.repositories, page)
        names = (name for name in self._state.repositories if any(span.low <= name < span.high for span in within))
        return _page(names, page)

    async def tags(self, repository: RepositoryName, page: PageRequest) -> Page[Tag]:
        row = self._state.repositories.get(repository)
        if row is None:
            raise NameUnknown(f"there is no repository {repository}", {"name": repository})
        return _page(row.tags, page)

    async def referrers(
        self, repository: RepositoryName, subject: Digest, artifact_type: str | None, page: PageRequest
    ) -> Page[Descriptor]:
        row = self._state.repositories.get(repository)
        if row is None:
            return Page(())
        referring = {
            digest: manifest
            for digest, manifest in row.manifests.items()
            if manifest.subject == subject and artifact_type in (None, manifest.artifact_type) and digest > page.after
        }
        descriptors = (
            Descriptor(
                media_type=manifest.media_type,
                digest=manifest.digest,
                size=manifest.size,
                artifact_type=manifest.artifact_type,
                annotations=manifest.annotations,
            )
            for _, manifest in sorted(referring.items())
        )
        return page_of(descriptors, page)

    async def history(self, repository: RepositoryName, tag: Tag, limit: int) -> tuple[TagChange, ...]:
        row = self._state.repositories.get(repository)
        changes = row.history.get(tag, []) if row else []
        return tuple(reversed(changes))[:limit]


def _page(keys: Iterable[S], page: PageRequest) -> Page[S]:
    """Keys are ASCII, so the order of their characters is that of their bytes."""
    return page_of(sorted(key for key in keys if key > page.after), page, largest=NAME_BYTES)


class MemoryOutbox:
    """See ports.catalog.Outbox."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def events(self, after: int, limit: int) -> tuple[Event, ...]:
        start = bisect_right(self._state.outbox, after, key=lambda event: event.id)
        found = self._state.outbox[start : start + limit]
        return tuple(found[: fitting(map(weight, found))])


class MemoryPullTimes:
    """See ports.catalog.PullTimes."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def record(self, pulls: Sequence[tuple[Pull, int, int]]) -> None:
        for pull, times, last in pulls:
            row = self._state.repositories.get(pull.repository)
            manifest = row.manifests.get(pull.digest) if row else None
            if row is None or manifest is None:
                continue
            tag = row.tags.get(pull.tag) if pull.tag is not None else None
            for pulled in (row, manifest, tag if tag is not None and tag.digest == pull.digest else None):
                if pulled is not None:
                    pulled.pulls += times
                    pulled.pulled_at = max(pulled.pulled_at, last)


class MemoryVitals:
    """See ports.catalog.Vitals."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def check(self) -> None:
        """Memory that is there can be read and written."""

    async def totals(self) -> Totals:
        totals = self._state.totals
        return Totals(
            repositories=self._state.repository_total,
            manifests=totals.manifests,
            tags=totals.tags,
            blobs=totals.blobs,
            blob_bytes=totals.blob_bytes,
            condemned=sum(row.state is BlobState.CONDEMNED for row in self._state.blobs.values()),
            uploads=len(self._state.uploads),
        )
