"""What an import reads: all repositories of another registry, from a running server or straight from its storage."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from orlop.domain.digest import Digest
from orlop.ports.upstream import ContentSource, ContentTarget, TagLister


class FoundRepository(msgspec.Struct, frozen=True):
    """A repository at the source, by a name that may be none here."""

    name: str
    tags: int | None = None
    """None where counting would mean to list them."""


class ImportedRepository(ContentSource, TagLister, Protocol):
    """A repository that is read."""

    def untagged(self) -> AsyncIterator[Digest]:
        """Manifests that no tag leads to. Raises Unsupported where that is not to be known."""
        ...


class ImportSource(Protocol):
    """Another registry as a whole. Raises what ports.upstream says."""

    def repositories(self) -> AsyncIterator[FoundRepository]:
        """All of them, in byte order."""
        ...

    def repository(self, name: str) -> AbstractAsyncContextManager[ImportedRepository]:
        """One of them until the block ends. Raises NameUnknown."""
        ...


class ImportTargets(Protocol):
    """The registry that everything comes to."""

    def repository(self, name: str) -> AbstractAsyncContextManager[ContentTarget]:
        """A repository, which need not be there yet, until the block ends."""
        ...


class StorageTree(Protocol):
    """The files below the storage of another registry: a folder, or a prefix of a bucket. Nothing is ever written.

    Paths are relative, with `/`. Raises UpstreamError where something cannot be read.
    """

    @property
    def where(self) -> str:
        """For people."""
        ...

    async def names(self, path: str) -> list[str]:
        """What lies directly in a folder, in byte order; nothing for one that is not there."""
        ...

    async def small(self, path: str, limit: int) -> bytes | None:
        """A file; None where there is none. Raises ContentCorrupt beyond `limit` bytes."""
        ...

    async def size(self, path: str) -> int | None:
        """Of a file in bytes; None where there is none."""
        ...

    def pieces(self, path: str, offset: int) -> AsyncGenerator[bytes, None]:
        """The bytes of a file that is there, from an offset on, in pieces of at most 1 MiB."""
        ...
