"""Where bytes lie: finished copies, and the stages on which uploads gather.

A copy is written once, under a key that nobody used before, and never changes; a stage belongs to one upload session.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import NamedTuple, Protocol

from orlop.domain.blob import Blob, BlobKey
from orlop.domain.digest import Digest
from orlop.domain.ranges import Span

#: Bytes of a piece of a copy, for who has no reason to want others.
PIECE = 512 * 1024
#: After how many bytes of one stage it is made durable, so that a crash costs no more than these.
CHECKPOINT = 64 * 1024 * 1024


class BlobContent(Protocol):
    """An open copy."""

    @property
    def size(self) -> int:
        """Bytes in the copy."""
        ...

    async def read(self) -> bytes:
        """All of it at once; for copies of a few KiB. Raises ContentCorrupt, Unavailable."""
        ...

    def chunks(self, span: Span, most: int = PIECE) -> AsyncIterator[bytes]:
        """The bytes of `span` in pieces of at most `most`. Raises ContentCorrupt when it is cut short, Unavailable."""
        ...

    def close(self) -> None:
        """Let go. May be called twice."""


class InFile(NamedTuple):
    """Bytes of an open file that lie in memory, so that nobody who sends them waits for a disk."""

    descriptor: int
    start: int
    length: int


class FileContent(BlobContent, Protocol):
    """An open copy that is a file, for servers that send files without reading them."""

    def stretches(self, span: Span, most: int) -> AsyncIterator[InFile | bytes]:
        """The bytes of `span`: where they lie in memory as parts of the file, which stays open until `close`, and where
        they have to be fetched as pieces of at most `most`. Raises ContentCorrupt when it is cut short, Unavailable."""
        ...


class BlobReader(Protocol):
    """Reads copies."""

    async def open(self, blob: Blob) -> BlobContent:
        """Open a copy. Raises ContentCorrupt when it is missing or not of `blob.size` bytes, Unavailable."""
        ...


class Staged(NamedTuple):
    """How far a stage has come: `offset` bytes are kept, and their digest where it is known without re-reading.

    They outlive the process. Those of a small stage need not outlive a power cut, as a session does not: then whoever
    goes on from there, or promotes it, finds out that they are gone.

    `place` is how the store finds those bytes again, in its own words; empty where the upload's name is enough.
    """

    offset: int
    digest: Digest | None
    place: str = ""


class StageWriter(Protocol):
    """A stage that is open for writing at its end, by one writer at a time."""

    @property
    def offset(self) -> int:
        """Bytes on the stage, counting those that no checkpoint covers yet."""
        ...

    def place(self, size: int) -> str:
        """The place that a checkpoint will have after `size` bytes more, so that a row may name it beforehand."""
        ...

    async def write(self, piece: bytes) -> None:
        """Append. Raises Unavailable when the store is full or broken; the stage then ends at the last checkpoint."""

    async def checkpoint(self) -> Staged:
        """Keep everything written, as `Staged` says. Raises Unavailable."""
        ...

    async def progress(self) -> Staged:
        """How far the stage is kept by now: a checkpoint that holds up the writer as little as the store can, so that
        it may cover less than everything written, but always more than the one before if anything was written since.
        Raises Unavailable."""
        ...

    async def close(self) -> None:
        """Let the next writer in. What came after the last checkpoint is lost. May be called twice."""


class BlobStage(Protocol):
    """Where uploads gather. `place` is always that of the checkpoint to go on from; empty before the first."""

    async def open(self, upload: str, offset: int, algorithm: str, place: str = "") -> StageWriter:
        """Open the stage of an upload to go on at `offset`; bytes beyond it are dropped, a stage at 0 is made
        with the first that are written.

        `algorithm` is what the digest is computed with. Raises BlobUploadUnknown when fewer than `offset` bytes are
        there, TooManyRequests while another writer has it open; at 0, a store may raise that from `write` instead.
        """
        ...

    async def digest(self, upload: str, size: int, algorithm: str, place: str = "") -> Digest:
        """Read the first `size` bytes again for their digest. Raises BlobUploadUnknown when they are not there."""
        ...

    def read(self, upload: str, span: Span, place: str = "") -> AsyncGenerator[bytes, None]:
        """Bytes of a stage that a checkpoint covers, in pieces of at most 512 KiB, also while it is written, here or
        elsewhere; fewer where fewer are there. Nothing says yet that they are what they are to become. Raises
        BlobUploadUnknown when the stage is gone, Unavailable.
        """
        ...

    async def promote(self, upload: str, blob: Blob, place: str = "") -> None:
        """Turn a stage of exactly `blob.size` kept bytes into the copy `blob.key`, durable on return.

        Ends the stage's writer if this process has one. Repeating a promotion that already happened is fine. Raises
        BlobUploadUnknown when neither is there, or is not what it was before a power cut, TooManyRequests while another
        process has the stage open, TooLarge when the store cannot hold a copy of that size, Unavailable.
        """

    async def discard(self, upload: str) -> None:
        """Drop a stage; fine when there is none."""


class BlobRemover(Protocol):
    """Deletes copies."""

    async def remove(self, key: BlobKey) -> None:
        """Delete a copy, durable on return; fine when it is gone already."""


class StoredStage(NamedTuple):
    """A stage as found in the store; `modified_at` is in microseconds since 1970."""

    upload: str
    modified_at: int


class StoredCopy(NamedTuple):
    """A copy as found in the store; `modified_at` is in microseconds since 1970."""

    blob: Blob
    modified_at: int


class BlobInventory(Protocol):
    """What lies in the store, for verification and for the sweep of strays: a listing decides nothing, rows do."""

    def copies(self) -> AsyncIterator[StoredCopy]:
        """Every copy, in the order of the store."""
        ...

    def stages(self) -> AsyncIterator[StoredStage]:
        """Every stage."""
        ...

    async def check(self) -> None:
        """Write, read back and delete a small file: Unavailable, with the reason, if that fails."""


class Space(NamedTuple):
    """The disk that a store lies on, in bytes: what is free for the server, all of it, and what uploads leave free."""

    free: int
    size: int
    reserve: int


class StoreSpace(Protocol):
    """How much room the store itself has; only stores on a disk know."""

    async def space(self) -> Space:
        """As it was no longer ago than a second. Raises Unavailable."""
        ...


class BlobAddresses(Protocol):
    """Addresses at which clients read copies without us; only stores that clients may reach have them."""

    async def address(self, blob: Blob) -> str:
        """A URL, good for some minutes, that gives whoever has it the bytes of a copy: a secret. Raises Unavailable."""
        ...
