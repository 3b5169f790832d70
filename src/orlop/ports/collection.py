"""What a collection would do, and whether what it goes by is right: read, page by page, in the catalog."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from orlop.domain.blob import Blob, BlobState
from orlop.domain.digest import Digest
from orlop.domain.manifest import Edge
from orlop.domain.names import RepositoryName
from orlop.ports.by import By


class DoomedUpload(msgspec.Struct, frozen=True):
    """A session that nobody finished in time, and the bytes on its stage."""

    expires_at: int
    id: str
    repository: RepositoryName
    size: int


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

    async def links(self, before: int, after: DoomedLink | None, limit: int) -> tuple[DoomedLink, ...]:
        """Links that were loose before `before`."""
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
