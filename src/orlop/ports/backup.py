"""Where backups lie, what a catalog gives for one, and how a catalog is filled from one."""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

from orlop.domain.backup import Backup, ListedBlob
from orlop.domain.descriptor import Descriptor
from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName
from orlop.ports.upstream import ManifestContent


class StoredKey(NamedTuple):
    """Something at the target, and its size in bytes."""

    key: str
    size: int


class BackupTarget(Protocol):
    """A folder or a bucket: bytes under keys (domain.backup), each written whole or not at all, and never changed."""

    async def write(self, key: str, pieces: AsyncIterable[bytes], size: int) -> None:
        """Write all pieces, `size` bytes; what is there already is replaced at once. Durable after `settle`.

        What `pieces` raises leaves nothing behind. Raises Unavailable.
        """

    def read(self, key: str) -> AsyncGenerator[bytes, None]:
        """All of it, in pieces. Raises NotFound, Unavailable."""
        ...

    async def present(self, keys: Sequence[StoredKey]) -> frozenset[str]:
        """Which of these are there in their size. Raises Unavailable."""
        ...

    def keys(self, under: str) -> AsyncIterator[StoredKey]:
        """Everything whose key begins so. Raises Unavailable."""
        ...

    async def settle(self) -> None:
        """Make durable what was written. Raises Unavailable."""

    async def remove(self, key: str) -> None:
        """Fine when it is gone already. Raises Unavailable."""

    def occupied(self) -> AbstractAsyncContextManager[None]:
        """Nobody else writes or removes until the block ends. Raises Conflict; so do `write` and `remove` in the block
        where that cannot be said any more."""
        ...


class SnapshotFile(NamedTuple):
    """A file of a catalog; `columns` where it is a table."""

    name: str
    columns: tuple[str, ...]


class Snapshot(Protocol):
    """A catalog at one point in time."""

    @property
    def engine(self) -> str:
        """`sqlite` or `postgres`."""
        ...

    @property
    def schema(self) -> int:
        """The number of the last migration that it has taken."""
        ...

    @property
    def files(self) -> Sequence[SnapshotFile]:
        """What it consists of."""
        ...

    def chunks(self, file: str) -> AsyncGenerator[bytes, None]:
        """A file, cut so that what did not change since another snapshot is cut alike. Raises Unavailable."""
        ...

    def blobs(self) -> AsyncGenerator[Sequence[ListedBlob], None]:
        """Every copy that its rows name, but those that a collection is about to remove; by digest, page by page."""
        ...


class Snapshots(Protocol):
    """Takes snapshots of one catalog, while others write to it."""

    def take(self) -> AbstractAsyncContextManager[Snapshot]:
        """Everything that was committed before this call is in it. Raises Unavailable."""
        ...


class CatalogFill(Protocol):
    """A place for a catalog: empty, or as a run that was killed has filled it from the same backup."""

    async def fill(self, backup: Backup, pieces: "FilePieces") -> None:
        """Make it the catalog of a backup, all of it or nothing.

        What waited to be done or told at that time is dropped, and so is what proves who somebody is for a while: see
        docs/backup.md. Raises Denied when it is not of that engine or holds anything else, ContentCorrupt, Unavailable.
        """

    async def conclude(self) -> None:
        """Everything beside the catalog is there, too: from now on it is full. Raises Unavailable."""


class BackupContents(Protocol):
    """What the repositories of a backup held. Lists come in pages of at most 1,000, in byte order."""

    async def repositories(self, after: str) -> Sequence[tuple[str, int]]:
        """Names behind `after`, and how many tags each had."""
        ...

    async def tags(self, repository: RepositoryName, after: str) -> Sequence[str]:
        """Tags behind `after`; none for a repository that was not there."""
        ...

    async def untagged(self, repository: RepositoryName, after: str) -> Sequence[Digest]:
        """Manifests behind `after` that no tag led to."""
        ...

    async def manifest(self, repository: RepositoryName, reference: str) -> ManifestContent | None:
        """That of a tag or digest; None where there was none."""
        ...

    async def referrers(self, repository: RepositoryName, subject: Digest) -> Sequence[Descriptor]:
        """Whose subject was that."""
        ...


class FilePieces(Protocol):
    """The bytes of a file of a backup, each chunk compared with its digest."""

    def __call__(self, file: str) -> AsyncGenerator[bytes, None]:
        """Raises ContentCorrupt, Unavailable."""
        ...
