"""The steps of a collection, what it would do, and whether what it goes by is right."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from orlop.domain.blob import Blob, BlobState
from orlop.domain.digest import Digest
from orlop.domain.manifest import Edge
from orlop.domain.names import RepositoryName
from orlop.ports.by import By


class Collection(Protocol):
    """The steps that take a blob out of the store. Each rechecks, under the lock of its transaction, that it may."""

    async def unlink_loose(self, before: int, limit: int, by: By) -> tuple[int, int]:
        """Remove up to `limit` links that were loose before `before`; (links removed, blobs thereby condemned)."""
        ...

    async def tombstone(self, before: int, limit: int, by: By) -> int:
        """Tombstone up to `limit` blobs that were condemned before `before` and have no link; how many."""
        ...

    async def tombstones(self, after: int, limit: int) -> tuple[tuple[int, Blob], ...]:
        """Tombstoned copies with their row numbers, from after row `after` on."""
        ...

    async def gone(self, rows: Sequence[int], by: By) -> None:
        """Forget tombstones whose copies are removed from the store."""


class DoomedUpload(msgspec.Struct, frozen=True):
    """A session that nobody finished in time, and the bytes on its stage."""

    expires_at: int
    id: str
    repository: RepositoryName
    size: int


class DoomedEntry(msgspec.Struct, frozen=True):
    """An entry of the trash that expired, or at 0 was given up. `alone`: bytes of blobs that nothing holds but what
    goes in the same run."""

    expires_at: int
    id: int
    name: str
    digest: Digest | None
    size: int
    alone: int


class DoomedLink(msgspec.Struct, frozen=True):
    """A link that no manifest of its repository names. `last`: its blob has none then."""

    since: int
    repository_id: int
    digest: Digest
    repository: RepositoryName
    size: int
    last: bool


class DoomedBlob(msgspec.Struct, frozen=True):
    """A blob that lost its last link."""

    since: int
    id: int
    digest: Digest
    size: int


class EmptyRepository(msgspec.Struct, frozen=True):
    """A repository without tags, manifests and blobs, and when it changed last."""

    name: RepositoryName
    since: int


class CollectionPreview(Protocol):
    """What is due, oldest first; each page follows the last entry of the one before, None: the first."""

    async def uploads(self, now: int, after: DoomedUpload | None, limit: int) -> tuple[DoomedUpload, ...]:
        """Sessions that expired and that nobody writes to."""
        ...

    async def trash(self, now: int, before: int, after: DoomedEntry | None, limit: int) -> tuple[DoomedEntry, ...]:
        """Entries that expired by now or were given up. Links that were loose before `before` go with them."""
        ...

    async def links(self, now: int, before: int, after: DoomedLink | None, limit: int) -> tuple[DoomedLink, ...]:
        """Links that were loose before `before`, but not those that go with an entry of the trash, nor those of a
        repository that is being restored."""
        ...

    async def condemned(self, before: int, after: DoomedBlob | None, limit: int) -> tuple[DoomedBlob, ...]:
        """Blobs that were condemned before `before`."""
        ...

    async def tombstones(self, after: int, limit: int) -> tuple[tuple[int, Blob], ...]:
        """As ports.catalog.Collection."""
        ...

    async def empty(self, after: str, limit: int) -> tuple[EmptyRepository, ...]:
        """Repositories that hold nothing, by name."""
        ...


class LinkMark(msgspec.Struct, frozen=True):
    """A link: whether it counts as loose, and whether a manifest of its repository names the blob."""

    repository_id: int
    digest: Digest
    repository: RepositoryName
    loose: bool
    named: bool


class BlobMark(msgspec.Struct, frozen=True):
    """A blob, its state, and whether a repository holds it."""

    id: int
    digest: Digest
    size: int
    state: BlobState
    linked: bool


class Marking(Protocol):
    """What the steps of a collection go by, to be compared with what it should be, and put right."""

    async def links(self, after: LinkMark | None, limit: int) -> tuple[LinkMark, ...]:
        """Every link, in the order of its key."""
        ...

    async def link(self, repository_id: int, digest: Digest) -> LinkMark | None:
        """One of them."""
        ...

    async def blobs(self, after: int, limit: int) -> tuple[BlobMark, ...]:
        """Every blob, by its row."""
        ...

    async def mend_edges(self, manifest: int, edges: Sequence[Edge], by: By) -> bool:
        """Have the rows of what a manifest names say what its bytes say; False when it is gone."""
        ...

    async def mend_links(self, links: Sequence[LinkMark], by: By) -> None:
        """Make links loose that no manifest names, and tight that one names, as it is now."""

    async def mend_blobs(self, rows: Sequence[int], by: By) -> None:
        """Condemn blobs that no repository holds, and revive those that one holds, as it is now."""
