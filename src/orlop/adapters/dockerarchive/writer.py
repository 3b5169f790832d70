"""A docker archive in the making: an image layout with the manifest.json that every `docker load` understands."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import msgspec

from orlop.adapters.dockerarchive.contents import MANIFEST_FILE, blob_name
from orlop.adapters.tarball import Member, TarWriter
from orlop.adapters.verified import arriving, reading
from orlop.domain import media_types
from orlop.domain.descriptor import Descriptor
from orlop.domain.digest import Digest
from orlop.domain.errors import BlobUnknown, ManifestUnknown, Unsupported
from orlop.domain.manifest import EdgeKind, Manifest, parse_manifest
from orlop.domain.names import RepositoryName
from orlop.domain.references import ImageReference, parse_image_reference
from orlop.ports.upstream import BlobOpener, ManifestContent, Placement

_CONFIGS = frozenset({media_types.OCI_CONFIG, "application/vnd.docker.container.image.v1+json"})
_REF_NAME = "org.opencontainers.image.ref.name"
_IMAGE_NAME = "io.containerd.image.name"


class DockerArchiveWriter:
    """Satisfies ContentRepository for a copy into it; what cannot be in such an archive is Unsupported.

    Layers stay as they are: `docker load` reads compressed ones, and the digests of the image stay the same.
    """

    def __init__(self, tar: TarWriter) -> None:
        self._tar = tar
        self._blobs: dict[Digest, Member] = {}
        self._manifests: dict[Digest, tuple[ManifestContent, Manifest]] = {}
        self._names: dict[str, tuple[Digest, ImageReference]] = {}

    @property
    def origin(self) -> None:
        """Nothing is mounted into an archive."""
        return

    async def resolve(self, reference: str) -> Descriptor:
        """See ManifestReader: what was put so far."""
        return (await self.fetch(reference)).descriptor

    async def fetch(self, reference: str) -> ManifestContent:
        """See ManifestReader: what was put so far."""
        for digest, (content, _) in self._manifests.items():
            if reference == digest or self._names.get(reference, (None,))[0] == digest:
                return content
        raise ManifestUnknown(f"{reference[:200]!r} has not been written")

    async def stat_blob(self, digest: Digest) -> int | None:
        """See BlobReader."""
        member = self._blobs.get(digest)
        return member.size if member else None

    async def read_blob(self, digest: Digest, size: int, offset: int = 0) -> AsyncGenerator[bytes, None]:
        """See BlobReader."""
        member = self._blobs.get(digest)
        if member is None:
            raise BlobUnknown(f"blob {digest} has not been written")
        pieces = reading(self._tar.pieces(member, offset), digest, size, offset, f"blob {digest}")
        async with aclosing(pieces):
            async for piece in pieces:
                yield piece

    async def referrers(self, subject: Digest, artifact_type: str = "") -> AsyncIterator[Descriptor]:
        """None: the format has no place for them."""
        nothing: tuple[Descriptor, ...] = ()
        for descriptor in nothing:
            yield descriptor

    async def tags(self, after: str = "") -> AsyncIterator[str]:
        """The names given so far, in byte order."""
        for name in sorted(self._names):
            if name > after:
                yield name

    async def push_blob(
        self, digest: Digest, size: int, content: BlobOpener, mount_from: RepositoryName | None = None
    ) -> Placement:
        """See BlobPusher."""
        self._blobs[digest] = await self._tar.add(blob_name(digest), size, arriving(content(0), digest, size))
        return Placement.PUSHED

    async def put_manifest(self, manifest: ManifestContent, tags: tuple[str, ...] = ()) -> None:
        """See ManifestPusher. Raises Unsupported for indexes, artifacts and what lacks a layer, NameInvalid for what
        docker cannot name."""
        parsed = parse_manifest(manifest.content, manifest.media_type)
        if parsed.is_index:
            raise Unsupported("a docker archive holds an image of one platform, not an index of several")
        if parsed.edges[0].media_type not in _CONFIGS:
            raise Unsupported("a docker archive holds images; this is another kind of artifact")
        missing = [edge.digest for edge in parsed.edges if edge.digest not in self._blobs]
        if missing:
            raise Unsupported(f"a docker archive that lacks a layer cannot be loaded: {missing[0]}")
        names = {tag: (manifest.digest, parse_image_reference(tag)) for tag in tags}
        if manifest.digest not in self._manifests:
            await self._tar.add_bytes(blob_name(manifest.digest), manifest.content)
            self._manifests[manifest.digest] = (manifest, parsed)
        self._names.update(names)

    async def untag(self, tag: str) -> None:
        """Raises Unsupported."""
        raise Unsupported("an archive in the making only grows")

    async def delete_manifest(self, digest: Digest) -> None:
        """Raises Unsupported."""
        raise Unsupported("an archive in the making only grows")

    async def finish(self) -> None:
        """Write manifest.json for every docker, index.json for those since 25, and put the archive in place."""
        saved = [self._saved(digest, parsed) for digest, (_, parsed) in self._manifests.items()]
        await self._tar.add_bytes("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        entries = [entry for content, _ in self._manifests.values() for entry in self._entries(content)]
        index = {"schemaVersion": 2, "mediaType": media_types.OCI_INDEX, "manifests": entries}
        await self._tar.add_bytes("index.json", msgspec.json.encode(index))
        await self._tar.add_bytes(MANIFEST_FILE, msgspec.json.encode(saved))
        await self._tar.commit()

    def _named(self, digest: Digest) -> list[ImageReference]:
        return [reference for named, reference in self._names.values() if named == digest]

    def _saved(self, digest: Digest, manifest: Manifest) -> dict[str, Any]:
        layers = [edge for edge in manifest.edges if edge.kind is EdgeKind.LAYER]
        return {
            "Config": blob_name(manifest.edges[0].digest),
            "RepoTags": [_short(reference) for reference in self._named(digest)],
            "Layers": [blob_name(edge.digest) for edge in layers],
        }

    def _entries(self, content: ManifestContent) -> list[dict[str, Any]]:
        plain = {"mediaType": content.media_type, "digest": str(content.digest), "size": len(content.content)}
        named = self._named(content.digest)
        return [
            {**plain, "annotations": {_IMAGE_NAME: str(name), _REF_NAME: str(name.tag or "latest")}} for name in named
        ] or [plain]


def _short(reference: ImageReference) -> str:
    """`app:v1`: the way docker writes names, always with a tag."""
    familiar = reference.familiar()
    return f"{familiar}:{reference.tag}" if reference.tag_implied else familiar
