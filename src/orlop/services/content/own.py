"""This registry's own repositories as stores of content like any other: `copy` reads and writes them on somebody's
behalf, under their rights, the quotas and the rules for tags."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import msgspec

from orlop.domain.access import Action, Caller
from orlop.domain.descriptor import Descriptor
from orlop.domain.digest import Digest
from orlop.domain.errors import BlobUnknown, ManifestUnknown, NameUnknown
from orlop.domain.names import RepositoryName, Tag, parse_reference
from orlop.domain.pages import PageRequest
from orlop.domain.ranges import Span
from orlop.ports.catalog import Browse
from orlop.ports.upstream import BlobOpener, ManifestContent, Origin, Placement
from orlop.services.access.decisions import Access
from orlop.services.content.blobs import Blobs
from orlop.services.content.manifests import Manifests
from orlop.services.content.referrers import Referrers
from orlop.services.content.uploads import Body, Uploads

#: What stands for this registry where others have their host.
HERE = ""


class OwnContent(msgspec.Struct, frozen=True):
    """The services that repositories are read and written by."""

    access: Access
    browse: Browse
    manifests: Manifests
    referrers: Referrers
    blobs: Blobs
    uploads: Uploads

    def repository(self, name: RepositoryName, caller: Caller) -> "OwnRepository":
        """A repository, which need not be there yet, for somebody."""
        return OwnRepository(self, name, caller)


class OwnRepository:
    """See ports.upstream.ContentRepository. What the caller may not pull is not there (NameUnknown)."""

    def __init__(self, content: OwnContent, name: RepositoryName, caller: Caller) -> None:
        self._content = content
        self._name = name
        self._caller = caller

    @property
    def origin(self) -> Origin:
        """See ContentSource."""
        return Origin(HERE, self._name)

    async def resolve(self, reference: str) -> Descriptor:
        """See ManifestReader."""
        return (await self.fetch(reference)).descriptor

    async def fetch(self, reference: str) -> ManifestContent:
        """See ManifestReader."""
        await self._check_readable()
        found = await self._content.manifests.seen(self._name, parse_reference(reference), self._caller)
        return ManifestContent(found.digest, found.media_type, found.content)

    async def stat_blob(self, digest: Digest) -> int | None:
        """See ContentReader."""
        await self._check_readable()
        try:
            return (await self._content.blobs.find(self._name, digest, self._caller)).blob.size
        except BlobUnknown:
            return None

    async def read_blob(self, digest: Digest, size: int, offset: int = 0) -> AsyncGenerator[bytes, None]:
        """See ContentReader."""
        await self._check_readable()
        found = await self._content.blobs.find(self._name, digest, self._caller)
        content = await self._content.blobs.open(found.blob)
        try:
            async for piece in content.chunks(Span(offset, found.blob.size)):
                yield piece
        finally:
            content.close()

    async def referrers(self, subject: Digest, artifact_type: str = "") -> AsyncIterator[Descriptor]:
        """See ReferrerLister."""
        await self._check_readable()
        page, more = PageRequest(), True
        while more:
            found = await self._content.referrers.page(self._name, subject, artifact_type or None, page)
            for descriptor in found.items:
                yield descriptor
            more = found.more
            page = PageRequest(after=found.items[-1].digest if found.items else "")

    async def tags(self, after: str = "") -> AsyncIterator[str]:
        """See TagLister."""
        await self._check_readable()
        page, more = PageRequest(after=after), True
        while more:
            found = await self._content.browse.tags(self._name, page)
            for tag in found.items:
                yield tag
            more = found.more
            page = PageRequest(after=found.items[-1] if found.items else "")

    async def push_blob(
        self, digest: Digest, size: int, content: BlobOpener, mount_from: RepositoryName | None = None
    ) -> Placement:
        """See BlobPusher. A blob that the caller may pull from somewhere is linked, and never travels."""
        for source in dict.fromkeys((mount_from, None)):
            if await self._content.blobs.mount(digest, source, self._name, self._caller) is not None:
                return Placement.MOUNTED
        async with aclosing(content(0)) as pieces:
            await self._content.uploads.push(self._name, digest, Body(pieces, size), self._caller)
        return Placement.PUSHED

    async def put_manifest(self, manifest: ManifestContent, tags: tuple[str, ...] = ()) -> None:
        """See ManifestPusher."""
        pointing = [Tag(tag) for tag in tags]
        content, media_type = manifest.content, manifest.media_type
        await self._content.manifests.put(self._name, manifest.digest, content, media_type, pointing, self._caller)

    async def untag(self, tag: str) -> None:
        """See ManifestRemover."""
        await self._content.manifests.delete(self._name, Tag(tag), self._caller)

    async def delete_manifest(self, digest: Digest) -> None:
        """See ManifestRemover."""
        try:
            await self._content.manifests.delete(self._name, digest, self._caller)
        except NameUnknown as cause:
            raise ManifestUnknown(cause.message, cause.detail) from cause

    async def _check_readable(self) -> None:
        """Raises NameUnknown, or Unauthorized for a credential that has ended."""
        decision = await self._content.access.decide(self._caller, Action.PULL, repository=self._name)
        if not decision.allowed:
            raise NameUnknown(f"there is no repository {self._name}", {"name": self._name})
