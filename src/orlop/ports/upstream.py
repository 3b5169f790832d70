"""Stores of OCI content that others keep: another registry, an image layout, an archive. One object is one repository.

Names are not limited to tags: a layout may know `example.org/app:1`. A reference is a digest where it parses as one,
else a name; what a registry cannot call a tag it refuses with TagInvalid. Beside the errors that a method names, every
method may raise Unauthorized, Denied, TooManyRequests, Unavailable (the store answered that it cannot), UpstreamError
(the store could not be reached or talks nonsense) or ContentCorrupt (what came is not what was named).
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from enum import StrEnum
from typing import Protocol

import msgspec

from orlop.domain.descriptor import Descriptor
from orlop.domain.digest import Digest
from orlop.domain.errors import RegistryError
from orlop.domain.names import RepositoryName


class UpstreamError(RegistryError):
    """The other side could not be reached, broke off too often, or does not speak the protocol."""

    code = "UNAVAILABLE"


class ManifestContent(msgspec.Struct, frozen=True):
    """A manifest byte for byte, with the media type it is served under; the digest is checked."""

    digest: Digest
    media_type: str
    content: bytes

    @property
    def descriptor(self) -> Descriptor:
        """What names it."""
        return Descriptor(media_type=self.media_type, digest=str(self.digest), size=len(self.content))


class Origin(msgspec.Struct, frozen=True):
    """Where a repository is, so that blobs need not travel between two repositories of one registry."""

    registry: str
    repository: RepositoryName


class Placement(StrEnum):
    """How a blob came into a repository."""

    PUSHED = "pushed"
    MOUNTED = "mounted"


#: Opens a blob to read it from a byte offset on; may be called again after a broken transfer. Read from 0 to its end
#: the stream has been verified against digest and size: it raises ContentCorrupt rather than end after wrong bytes.
BlobOpener = Callable[[int], AsyncGenerator[bytes, None]]


class ManifestReader(Protocol):
    """Reads manifests."""

    async def resolve(self, reference: str) -> Descriptor:
        """What a tag, name or digest stands for, without its content: as the store says, which may be wrong.

        Raises ManifestUnknown, NameUnknown.
        """
        ...

    async def fetch(self, reference: str) -> ManifestContent:
        """The manifest itself, at most 4 MiB. Raises ManifestUnknown, NameUnknown."""
        ...


class ContentReader(Protocol):
    """Reads blobs."""

    async def stat_blob(self, digest: Digest) -> int | None:
        """The size of a blob in bytes; None when the repository does not hold it. Raises Unsupported (not told)."""
        ...

    def read_blob(self, digest: Digest, size: int, offset: int = 0) -> AsyncGenerator[bytes, None]:
        """The bytes of a blob from `offset` on, in pieces of at most 1 MiB. Raises BlobUnknown.

        A broken transfer goes on where it broke. The number of bytes is always checked; the digest only from offset 0,
        because no part of a blob has one. Close the generator when you stop early.
        """
        ...


class ReferrerLister(Protocol):
    """Finds what points at a manifest."""

    def referrers(self, subject: Digest, artifact_type: str = "") -> AsyncIterator[Descriptor]:
        """The manifests whose subject is `subject`, of one artifact type if given. An unknown subject has none."""
        ...


class TagLister(Protocol):
    """Lists names."""

    def tags(self, after: str = "") -> AsyncIterator[str]:
        """The tags of the repository after `after`, page by page as they are asked for. Raises NameUnknown.

        In the order of the store: byte order in registries that keep to the specification.
        """
        ...


class RepositoryLister(Protocol):
    """Lists the repositories of a registry."""

    def repositories(self, after: str = "") -> AsyncIterator[RepositoryName]:
        """Every repository the subject may see after `after`, page by page. Raises Unsupported."""
        ...


class BlobPusher(Protocol):
    """Writes blobs."""

    async def push_blob(
        self, digest: Digest, size: int, content: BlobOpener, mount_from: RepositoryName | None = None
    ) -> Placement:
        """Store a blob, whole or not at all; `content` is not opened where a mount succeeds.

        `mount_from` is a repository of the same registry that holds the blob. Raises NameUnknown (the repository must
        be made first), DigestInvalid and SizeInvalid (the store got other bytes), and whatever `content` raises.
        """
        ...


class ManifestPusher(Protocol):
    """Writes manifests and the names that point at them."""

    async def put_manifest(self, manifest: ManifestContent, tags: tuple[str, ...] = ()) -> None:
        """Store a manifest whose content is there already, and point `tags` at it, in their order.

        Also makes it a referrer of its subject where the store leaves that to its clients. Raises ManifestInvalid,
        ManifestBlobUnknown, TagInvalid, NameUnknown.
        """


class ManifestRemover(Protocol):
    """Removes manifests and names."""

    async def untag(self, tag: str) -> None:
        """Remove a name and nothing else. Raises ManifestUnknown, Unsupported."""

    async def delete_manifest(self, digest: Digest) -> None:
        """Remove a manifest and every name that points at it. Raises ManifestUnknown, Unsupported."""


class ContentSource(ManifestReader, ContentReader, ReferrerLister, Protocol):
    """All that a copy reads."""

    @property
    def origin(self) -> Origin | None:
        """Where this is, for stores that can mount; else None."""
        ...


class ContentTarget(ManifestReader, ContentReader, BlobPusher, ManifestPusher, Protocol):
    """All that a copy writes; it reads to skip what is there."""

    @property
    def origin(self) -> Origin | None:
        """Where this is, for stores that can mount; else None."""
        ...


class ContentRepository(ContentSource, ContentTarget, TagLister, ManifestRemover, Protocol):
    """Everything that can be done with one repository."""
