"""A repository in the storage of another registry, whatever way it lies there: read, verified, never written."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Protocol

import msgspec

from orlop.adapters.verified import reading
from orlop.domain import media_types
from orlop.domain.descriptor import Descriptor
from orlop.domain.digest import Digest, digest_from, new_hash
from orlop.domain.errors import (
    BlobUnknown,
    ContentCorrupt,
    DigestInvalid,
    ManifestInvalid,
    ManifestUnknown,
    Unsupported,
)
from orlop.domain.manifest import MAX_BYTES, EdgeKind, Manifest, parse_manifest
from orlop.ports.importing import StorageTree
from orlop.ports.upstream import ManifestContent


class Shelf(Protocol):
    """Where the parts of one repository lie in its storage."""

    async def tags(self) -> list[str]:
        """Its tags, in byte order."""
        ...

    async def digest_of(self, tag: str) -> Digest | None:
        """What a tag points at; None where there is no such tag. Raises ContentCorrupt."""
        ...

    def manifests(self) -> AsyncIterator[Digest]:
        """Every manifest of the repository, with a tag or without."""
        ...

    async def blob(self, digest: Digest) -> str:
        """The path of a blob or manifest in the tree."""
        ...


class StoredRepository:
    """See ports.importing.ImportedRepository."""

    def __init__(self, tree: StorageTree, name: str, shelf: Shelf) -> None:
        self._tree = tree
        self._name = name
        self._shelf = shelf
        self._found: _Manifests | None = None

    @property
    def origin(self) -> None:
        """Nothing is mounted out of a storage."""
        return

    async def resolve(self, reference: str) -> Descriptor:
        """See ManifestReader."""
        return (await self.fetch(reference)).descriptor

    async def fetch(self, reference: str) -> ManifestContent:
        """See ManifestReader. Raises Unsupported for a manifest of Docker's schema 1, ContentCorrupt."""
        digest = await self._digest(reference)
        content = await self._tree.small(await self._shelf.blob(digest), MAX_BYTES)
        if content is None:
            raise ManifestUnknown(f"{self._name} leads to the manifest {digest}, which is not in the storage")
        state = new_hash(digest.algorithm)
        state.update(content)
        if digest_from(digest.algorithm, state) != digest:
            raise ContentCorrupt(f"the manifest {digest} of {self._name} has other bytes in the storage")
        return ManifestContent(digest, _media_type(content, digest), content)

    async def _digest(self, reference: str) -> Digest:
        if ":" in reference:
            return Digest(reference)
        found = await self._shelf.digest_of(reference)
        if found is None:
            raise ManifestUnknown(f"{self._name} has no tag {reference[:160]!r}")
        return found

    async def stat_blob(self, digest: Digest) -> int | None:
        """See ContentReader."""
        return await self._tree.size(await self._shelf.blob(digest))

    async def read_blob(self, digest: Digest, size: int, offset: int = 0) -> AsyncGenerator[bytes, None]:
        """See ContentReader."""
        path = await self._shelf.blob(digest)
        what = f"blob {digest} of {self._name}"
        if await self._tree.size(path) is None:
            raise BlobUnknown(f"{what} is not in the storage")
        async for piece in reading(self._tree.pieces(path, offset), digest, size, offset, what):
            yield piece

    async def referrers(self, subject: Digest, artifact_type: str = "") -> AsyncIterator[Descriptor]:
        """See ReferrerLister: every manifest of the repository is read for that, once."""
        for descriptor in (await self._manifests()).referrers.get(subject, ()):
            if artifact_type in ("", descriptor.artifact_type):
                yield descriptor

    async def tags(self, after: str = "") -> AsyncIterator[str]:
        """See TagLister; in byte order."""
        for tag in await self._shelf.tags():
            if tag > after:
                yield tag

    async def untagged(self) -> AsyncIterator[Digest]:
        """See ImportedRepository: what no tag, index or subject leads to."""
        found = await self._manifests()
        led = found.children | {digest for tag in await self._shelf.tags() if (digest := await self._tagged(tag))}
        for digest, subject in found.all.items():
            if digest not in led and subject not in found.all:
                yield digest

    async def _tagged(self, tag: str) -> Digest | None:
        try:
            return await self._shelf.digest_of(tag)
        except ContentCorrupt:
            return None

    async def _manifests(self) -> "_Manifests":
        if self._found is None:
            found = _Manifests()
            async for digest in self._shelf.manifests():
                try:
                    content = await self.fetch(digest)
                    manifest = parse_manifest(content.content, content.media_type)
                except (ManifestUnknown, ManifestInvalid, ContentCorrupt, Unsupported):
                    continue  # whatever leads to it says so
                found.add(content, manifest)
            self._found = found
        return self._found


class _Manifests:
    """How the manifests of a repository belong together; of their bytes nothing is kept."""

    def __init__(self) -> None:
        self.all: dict[Digest, Digest | None] = {}
        """Each with its subject."""
        self.children: set[Digest] = set()
        self.referrers: dict[Digest, list[Descriptor]] = {}

    def add(self, content: ManifestContent, manifest: Manifest) -> None:
        self.all[content.digest] = manifest.subject
        self.children |= {edge.digest for edge in manifest.edges if edge.kind is EdgeKind.MANIFEST}
        if manifest.subject is not None:
            descriptor = msgspec.structs.replace(
                content.descriptor, artifact_type=manifest.artifact_type, annotations=manifest.annotations
            )
            self.referrers.setdefault(manifest.subject, []).append(descriptor)


class _Kind(msgspec.Struct, rename="camel"):
    media_type: str = ""
    schema_version: int = 0
    manifests: msgspec.Raw = msgspec.Raw()


def _media_type(content: bytes, digest: Digest) -> str:
    """What a manifest is served as: storages keep it with the bytes alone, where OCI lets it be left out."""
    try:
        found = msgspec.json.decode(content, type=_Kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise ManifestInvalid(f"{digest} is no manifest: {cause}") from cause
    if found.schema_version == 1 or found.media_type in media_types.DOCKER_SCHEMA1:
        raise Unsupported(
            f"{digest} is a manifest of Docker's schema 1, which no registry takes any more: pull and push it"
        )
    if found.media_type:
        return found.media_type
    return media_types.OCI_INDEX if bytes(found.manifests) else media_types.OCI_MANIFEST


def parse_link(content: bytes, where: str) -> Digest:
    """A digest that stands alone in a file. Raises ContentCorrupt."""
    try:
        return Digest(content.decode("ascii", "replace").strip())
    except DigestInvalid as cause:
        raise ContentCorrupt(f"{where} leads nowhere: {cause.message}") from cause
