"""What a collection would do now, entry by entry, with the reason of each. It changes nothing."""

from collections.abc import AsyncIterator

import msgspec

from orlop.ports.clock import SECOND, Clock
from orlop.ports.collection import CollectionPreview, DoomedBlob, DoomedEntry, DoomedLink, DoomedUpload
from orlop.services.collection.empty import EmptyRepositories

_PAGE = 500


class Due(msgspec.Struct, frozen=True):
    """What would go: an `upload`, an entry of the `trash`, a `link`, a `blob` or a `repository`. `freed` in bytes, by
    this run."""

    kind: str
    what: str
    why: str
    freed: int = 0


class Preview:
    """Reads what is due in pages."""

    def __init__(self, rows: CollectionPreview, clock: Clock, empty: EmptyRepositories | None = None) -> None:
        self._rows = rows
        self._clock = clock
        self._empty = empty

    async def run(self, grace: int) -> AsyncIterator[Due]:
        """What a run with this grace would take away, in its order."""
        now = self._clock.now()
        async for upload in self._uploads(now):
            why = f"nobody finished it, and it expired {_ago(now, upload.expires_at)}"
            yield Due("upload", f"{upload.repository} {upload.id}", why, upload.size)
        async for entry in self._trash(now, now - grace):
            why = f"it expired {_ago(now, entry.expires_at)}" if entry.expires_at else "it was given up"
            if entry.alone and grace:
                why += "; what nothing else holds goes after another grace"
            what = f"{entry.name}@{entry.digest}" if entry.digest else entry.name
            yield Due("trash", what, why, 0 if grace else entry.alone)
        async for link in self._links(now, now - grace):
            why = f"no manifest of the repository has named it since {_ago(now, link.since)}"
            freed = link.size if link.last and not grace else 0
            if link.last and grace:
                why += "; nothing else holds the blob, which goes after another grace"
            yield Due("link", f"{link.repository}@{link.digest}", why, freed)
        async for blob in self._blobs(now - grace):
            yield Due("blob", blob.digest, f"no repository has held it since {_ago(now, blob.since)}", blob.size)
        after = 0
        while tombstones := await self._rows.tombstones(after, _PAGE):
            for _, dead in tombstones:
                yield Due("blob", dead.key.digest, "it was given up before, and its copy is still there", dead.size)
            after = tombstones[-1][0]
        if self._empty is not None:
            async for repository, _ in self._empty.due():
                yield Due("repository", repository.name, f"it has held nothing since {_ago(now, repository.since)}")

    async def _uploads(self, now: int) -> AsyncIterator[DoomedUpload]:
        last: DoomedUpload | None = None
        while found := await self._rows.uploads(now, last, _PAGE):
            for last in found:
                yield last

    async def _trash(self, now: int, before: int) -> AsyncIterator[DoomedEntry]:
        last: DoomedEntry | None = None
        while found := await self._rows.trash(now, before, last, _PAGE):
            for last in found:
                yield last

    async def _links(self, now: int, before: int) -> AsyncIterator[DoomedLink]:
        last: DoomedLink | None = None
        while found := await self._rows.links(now, before, last, _PAGE):
            for last in found:
                yield last

    async def _blobs(self, before: int) -> AsyncIterator[DoomedBlob]:
        last: DoomedBlob | None = None
        while found := await self._rows.condemned(before, last, _PAGE):
            for last in found:
                yield last


_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def _ago(now: int, at: int) -> str:
    seconds = max(0, now - at) // SECOND
    unit, size = next(((unit, size) for unit, size in _UNITS if seconds >= size), _UNITS[-1])
    number = seconds // size
    return f"{number} {unit}{'' if number == 1 else 's'} ago"
