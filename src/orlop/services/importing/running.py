"""A registry that runs, as a source of imports: whatever lists its repositories."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from orlop.domain.descriptor import Descriptor
from orlop.domain.digest import Digest
from orlop.domain.errors import Unsupported
from orlop.domain.names import RepositoryName
from orlop.ports.importing import FoundRepository
from orlop.ports.upstream import ContentSource, ManifestContent, Origin, RepositoryLister, TagLister


class _Read(ContentSource, TagLister, Protocol):
    """A repository that can be read."""


#: Opens a repository of the registry.
OpenRepository = Callable[[RepositoryName], AbstractAsyncContextManager[_Read]]


class RunningRegistry:
    """See ports.importing.ImportSource."""

    def __init__(self, registry: RepositoryLister, opened: OpenRepository) -> None:
        self._registry = registry
        self._opened = opened

    async def repositories(self) -> AsyncIterator[FoundRepository]:
        """See ImportSource."""
        async for name in self._registry.repositories():
            yield FoundRepository(str(name))

    @asynccontextmanager
    async def repository(self, name: str) -> AsyncIterator["RunningRepository"]:
        """See ImportSource. Raises NameInvalid."""
        async with self._opened(RepositoryName(name)) as found:
            yield RunningRepository(found)


class RunningRepository:
    """See ports.importing.ImportedRepository."""

    def __init__(self, found: _Read) -> None:
        self._found = found

    @property
    def origin(self) -> Origin | None:
        """See ContentSource."""
        return self._found.origin

    async def resolve(self, reference: str) -> Descriptor:
        """See ManifestReader."""
        return await self._found.resolve(reference)

    async def fetch(self, reference: str) -> ManifestContent:
        """See ManifestReader."""
        return await self._found.fetch(reference)

    async def stat_blob(self, digest: Digest) -> int | None:
        """See ContentReader."""
        return await self._found.stat_blob(digest)

    def read_blob(self, digest: Digest, size: int, offset: int = 0) -> AsyncGenerator[bytes, None]:
        """See ContentReader."""
        return self._found.read_blob(digest, size, offset)

    def referrers(self, subject: Digest, artifact_type: str = "") -> AsyncIterator[Descriptor]:
        """See ReferrerLister."""
        return self._found.referrers(subject, artifact_type)

    def tags(self, after: str = "") -> AsyncIterator[str]:
        """See TagLister."""
        return self._found.tags(after)

    async def untagged(self) -> AsyncIterator[Digest]:
        """No registry lists them to its clients."""
        raise Unsupported("a running registry does not say what it holds without a tag: name its storage instead")
        yield  # pragma: no cover - what makes this a generator
