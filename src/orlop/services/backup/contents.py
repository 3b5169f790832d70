"""The repositories of a backup as a source of copies: what they held, with blobs read at the target and compared."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from orlop.domain.backup import ListedBlob, blob_key
from orlop.domain.descriptor import Descriptor
from orlop.domain.digest import Digest
from orlop.domain.errors import ManifestUnknown, NameUnknown, Unsupported
from orlop.domain.names import RepositoryName
from orlop.ports.backup import BackupContents, BackupTarget
from orlop.ports.importing import FoundRepository
from orlop.ports.upstream import ManifestContent
from orlop.services.backup.reading import blob


class BackupSource:
    """See ports.importing.ImportSource."""

    def __init__(self, target: BackupTarget, contents: BackupContents) -> None:
        self._target = target
        self._contents = contents

    async def repositories(self) -> AsyncIterator[FoundRepository]:
        """See ImportSource."""
        after = ""
        while page := await self._contents.repositories(after):
            for name, tags in page:
                yield FoundRepository(name, tags)
            after = page[-1][0]

    @asynccontextmanager
    async def repository(self, name: str) -> AsyncIterator["BackupRepository"]:
        """See ImportSource. Raises NameInvalid."""
        yield BackupRepository(self._target, self._contents, RepositoryName(name))


class BackupRepository:
    """See ports.importing.ImportedRepository."""

    def __init__(self, target: BackupTarget, contents: BackupContents, name: RepositoryName) -> None:
        self._target = target
        self._contents = contents
        self._name = name

    @property
    def origin(self) -> None:
        """Nothing is mounted out of a backup."""
        return

    async def resolve(self, reference: str) -> Descriptor:
        """See ManifestReader."""
        return (await self.fetch(reference)).descriptor

    async def fetch(self, reference: str) -> ManifestContent:
        """See ManifestReader."""
        found = await self._contents.manifest(self._name, reference)
        if found is None:
            raise ManifestUnknown(f"the backup has no {self._name}{'@' if ':' in reference else ':'}{reference[:160]}")
        return found

    async def stat_blob(self, digest: Digest) -> int | None:
        """See ContentReader. The target knows blobs by name and size together, so it does not tell."""
        raise Unsupported(f"a backup does not tell the size of {digest}")

    async def read_blob(self, digest: Digest, size: int, offset: int = 0) -> AsyncGenerator[bytes, None]:
        """See ContentReader. Read from its beginning each time, so that it is compared."""
        position = 0
        async with aclosing(blob(self._target, ListedBlob(digest, size, blob_key(digest)))) as pieces:
            async for piece in pieces:
                skipped = max(0, offset - position)
                position += len(piece)
                if skipped < len(piece):
                    yield piece[skipped:]

    async def referrers(self, subject: Digest, artifact_type: str = "") -> AsyncIterator[Descriptor]:
        """See ReferrerLister."""
        for descriptor in await self._contents.referrers(self._name, subject):
            if artifact_type in ("", descriptor.artifact_type):
                yield descriptor

    async def tags(self, after: str = "") -> AsyncIterator[str]:
        """See TagLister. Raises NameUnknown."""
        page = await self._contents.tags(self._name, after)
        if not page and not after:
            raise NameUnknown(f"the backup has no tag of a repository {self._name}")
        while page:
            for tag in page:
                yield tag
            page = await self._contents.tags(self._name, page[-1])

    async def untagged(self) -> AsyncIterator[Digest]:
        """See ImportedRepository."""
        after = ""
        while page := await self._contents.untagged(self._name, after):
            for digest in page:
                yield digest
            after = page[-1]
