"""A docker archive to read, as the port sees it: one repository whose tags are the names in manifest.json."""

from collections.abc import AsyncGenerator, AsyncIterator

from orlop.adapters.dockerarchive.contents import Image, full_name
from orlop.adapters.tarball import Member, TarReader
from orlop.adapters.verified import reading
from orlop.domain.descriptor import Descriptor
from orlop.domain.digest import Digest
from orlop.domain.errors import BlobUnknown, ManifestUnknown, Unsupported
from orlop.domain.names import RepositoryName
from orlop.ports.upstream import BlobOpener, ManifestContent, Placement


class DockerArchiveReader:
    """Satisfies ContentRepository; everything that writes is Unsupported."""

    def __init__(self, tar: TarReader, images: list[Image]) -> None:
        self._tar = tar
        self._images = images
        self._blobs: dict[Digest, Member] = {}
        for image in images:
            self._blobs.update(image.blobs)

    @property
    def origin(self) -> None:
        """Nothing is mounted from an archive."""
        return

    async def resolve(self, reference: str) -> Descriptor:
        """See ManifestReader."""
        return self._find(reference).descriptor

    async def fetch(self, reference: str) -> ManifestContent:
        """See ManifestReader. An empty reference is the only image there is."""
        return self._find(reference)

    async def stat_blob(self, digest: Digest) -> int | None:
        """See BlobReader."""
        member = self._blobs.get(digest)
        return member.size if member else None

    async def read_blob(self, digest: Digest, size: int, offset: int = 0) -> AsyncGenerator[bytes, None]:
        """See BlobReader."""
        what = f"blob {digest} in {self._tar.path}"
        member = self._blobs.get(digest)
        if member is None:
            raise BlobUnknown(f"{what} is not there")
        async for piece in reading(self._tar.pieces(member, offset), digest, size, offset, what):
            yield piece

    async def referrers(self, subject: Digest, artifact_type: str = "") -> AsyncIterator[Descriptor]:
        """None: the format has no place for them."""
        nothing: tuple[Descriptor, ...] = ()
        for descriptor in nothing:
            yield descriptor

    async def tags(self, after: str = "") -> AsyncIterator[str]:
        """The names, in byte order."""
        for name in self._names():
            if name > after:
                yield name

    async def push_blob(
        self, digest: Digest, size: int, content: BlobOpener, mount_from: RepositoryName | None = None
    ) -> Placement:
        """Raises Unsupported."""
        raise self._read_only()

    async def put_manifest(self, manifest: ManifestContent, tags: tuple[str, ...] = ()) -> None:
        """Raises Unsupported."""
        raise self._read_only()

    async def untag(self, tag: str) -> None:
        """Raises Unsupported."""
        raise self._read_only()

    async def delete_manifest(self, digest: Digest) -> None:
        """Raises Unsupported."""
        raise self._read_only()

    def _read_only(self) -> Unsupported:
        return Unsupported(f"{self._tar.path} was opened to be read")

    def _names(self) -> list[str]:
        return sorted({name for image in self._images for name in image.names})

    def _find(self, reference: str) -> ManifestContent:
        found = [image for image in self._images if self._is_meant(image, reference)]
        if len({image.manifest.digest for image in found}) == 1:
            return found[0].manifest
        names = ", ".join(self._names()[:10]) or "none has a name"
        if not reference:
            raise ManifestUnknown(f"{self._tar.path} holds {len(found)} images; choose one of: {names}")
        raise ManifestUnknown(f"{self._tar.path} holds no {reference[:200]!r}; its images: {names}")

    @staticmethod
    def _is_meant(image: Image, reference: str) -> bool:
        if not reference or reference == image.manifest.digest:
            return True
        return full_name(reference) in {full_name(name) for name in image.names}
