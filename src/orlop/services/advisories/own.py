"""Artifacts of this registry, read on the word of whoever set a source: that takes the right to pull them."""

from collections.abc import AsyncGenerator, AsyncIterator

from orlop.domain.access import SYSTEM, Caller
from orlop.domain.descriptor import Descriptor
from orlop.domain.digest import Digest
from orlop.domain.errors import BlobUnknown
from orlop.domain.names import RepositoryName, parse_reference
from orlop.domain.ranges import Span
from orlop.ports.upstream import ManifestContent, Origin
from orlop.services.content.blobs import Blobs
from orlop.services.content.manifests import Manifests


class OwnArtifact:
    """See ports.upstream.ContentSource."""

    def __init__(self, manifests: Manifests, blobs: Blobs, name: RepositoryName) -> None:
        self._manifests = manifests
        self._blobs = blobs
        self._name = name

    @property
    def origin(self) -> Origin | None:
        """See ContentSource."""
        return None

    async def resolve(self, reference: str) -> Descriptor:
        """See ManifestReader."""
        return (await self.fetch(reference)).descriptor

    async def fetch(self, reference: str) -> ManifestContent:
        """See ManifestReader."""
        found = await self._manifests.resolve(self._name, parse_reference(reference))
        return ManifestContent(found.digest, found.media_type, found.content)

    async def stat_blob(self, digest: Digest) -> int | None:
        """See ContentReader."""
        try:
            return (await self._blobs.find(self._name, digest, Caller(SYSTEM))).blob.size
        except BlobUnknown:
            return None

    async def read_blob(self, digest: Digest, size: int, offset: int = 0) -> AsyncGenerator[bytes, None]:
        """See ContentReader."""
        found = await self._blobs.find(self._name, digest, Caller(SYSTEM))
        content = await self._blobs.open(found.blob)
        try:
            async for piece in content.chunks(Span(offset, found.blob.size)):
                yield piece
        finally:
            content.close()

    async def referrers(self, subject: Digest, artifact_type: str = "") -> AsyncIterator[Descriptor]:
        """Nothing that refers to an artifact is of use here."""
        none: tuple[Descriptor, ...] = ()
        for descriptor in none:
            yield descriptor
