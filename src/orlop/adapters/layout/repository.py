"""An image layout as the port sees it: one repository whose tags are the names in index.json."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from orlop.adapters.layout.entries import Entries, check_version, parse_entries
from orlop.adapters.layout.files import ArchiveFiles, FolderFiles, LayoutFiles
from orlop.adapters.tarball import TarWriter, open_tar
from orlop.adapters.verified import arriving, reading
from orlop.domain import media_types
from orlop.domain.descriptor import Descriptor
from orlop.domain.digest import Digest
from orlop.domain.errors import BlobUnknown, Denied, DigestInvalid, ManifestInvalid, ManifestUnknown
from orlop.domain.manifest import MAX_BYTES, EdgeKind, parse_manifest
from orlop.domain.names import RepositoryName
from orlop.ports.upstream import BlobOpener, ManifestContent, Placement

#: Manifests that are read to find referrers.
_WALKED = 10_000


class LayoutRepository:
    """Satisfies ContentRepository over the files of a layout. Made by `open_folder` and `open_archive`."""

    def __init__(self, files: LayoutFiles) -> None:
        self._files = files
        self._graph: dict[Digest, ManifestContent] | None = None

    @property
    def origin(self) -> None:
        """Nothing is mounted between layouts."""
        return

    async def resolve(self, reference: str) -> Descriptor:
        """See ManifestReader."""
        return (await self.fetch(reference)).descriptor

    async def fetch(self, reference: str) -> ManifestContent:
        """See ManifestReader. An empty reference is the only image there is; a digest need not be in index.json."""
        entries = await self._entries()
        try:
            entry = entries.find(reference)
        except ManifestUnknown as unknown:
            try:
                return await self._manifest(Digest(reference), "")
            except DigestInvalid:
                raise unknown from None
        return await self._manifest(Digest(entry.digest), entry.media_type)

    async def stat_blob(self, digest: Digest) -> int | None:
        """See BlobReader."""
        return await self._files.size(digest)

    async def read_blob(self, digest: Digest, size: int, offset: int = 0) -> AsyncGenerator[bytes, None]:
        """See BlobReader."""
        what = f"blob {digest} in {self._files.where}"
        if await self._files.size(digest) is None:
            raise BlobUnknown(f"{what} is not there")
        async for piece in reading(self._files.pieces(digest, offset), digest, size, offset, what):
            yield piece

    async def referrers(self, subject: Digest, artifact_type: str = "") -> AsyncIterator[Descriptor]:
        """See ReferrerLister: every manifest that index.json leads to is read, once."""
        for content in (await self._walk()).values():
            manifest = parse_manifest(content.content, content.media_type)
            if manifest.subject == subject and artifact_type in ("", manifest.artifact_type):
                yield Descriptor(
                    media_type=content.media_type,
                    digest=str(content.digest),
                    size=len(content.content),
                    artifact_type=manifest.artifact_type,
                    annotations=manifest.annotations,
                )

    async def tags(self, after: str = "") -> AsyncIterator[str]:
        """See TagLister; in byte order."""
        for name in (await self._entries()).names():
            if name > after:
                yield name

    async def push_blob(
        self, digest: Digest, size: int, content: BlobOpener, mount_from: RepositoryName | None = None
    ) -> Placement:
        """See BlobPusher."""
        await self._files.write(digest, size, arriving(content(0), digest, size))
        return Placement.PUSHED

    async def put_manifest(self, manifest: ManifestContent, tags: tuple[str, ...] = ()) -> None:
        """See ManifestPusher. What a manifest names is not looked for: a layout may be sparse."""
        parsed = parse_manifest(manifest.content, manifest.media_type)
        size = len(manifest.content)
        if await self._files.size(manifest.digest) != size:
            await self._files.write(manifest.digest, size, arriving(_once(manifest.content), manifest.digest, size))
        async with self._files.changing():
            entries = (await self._entries()).put(manifest, parsed, tags)
            await self._files.write_index(entries.encode())
        self._graph = None

    async def untag(self, tag: str) -> None:
        """See ManifestRemover."""
        async with self._files.changing():
            await self._files.write_index((await self._entries()).untag(tag).encode())

    async def delete_manifest(self, digest: Digest) -> None:
        """See ManifestRemover. Raises Denied while an index names it; blobs stay."""
        found = await self.fetch(digest)
        async with self._files.changing():
            self._graph = None
            for content in (await self._walk()).values():
                if any(edge.digest == digest for edge in parse_manifest(content.content, content.media_type).edges):
                    raise Denied(f"{digest} belongs to {content.digest}; delete that first")
            await self._files.write_index((await self._entries()).without(found.digest).encode())
            await self._files.remove(found.digest)
            self._graph = None

    async def _entries(self) -> Entries:
        content = await self._files.small("index.json")
        return parse_entries(content) if content is not None else Entries()

    async def _manifest(self, digest: Digest, media_type: str) -> ManifestContent:
        what = f"{digest} in {self._files.where}"
        size = await self._files.size(digest)
        if size is None:
            raise ManifestUnknown(f"{what} is not there")
        if size > MAX_BYTES:
            raise ManifestInvalid(f"{what} has more than the {MAX_BYTES} bytes that a manifest may have")
        pieces = reading(self._files.pieces(digest, 0), digest, size, 0, what)
        content = b"".join([piece async for piece in pieces])
        return ManifestContent(digest, parse_manifest(content, media_type).media_type, content)

    async def _walk(self) -> dict[Digest, ManifestContent]:
        """Every manifest that index.json leads to and that is there; remembered until something changes."""
        if self._graph is not None:
            return self._graph
        found: dict[Digest, ManifestContent] = {}
        waiting = [(entry.digest, entry.media_type) for entry in (await self._entries()).all]
        while waiting and len(found) < _WALKED:
            text, media_type = waiting.pop()
            if text in found or media_type not in media_types.MANIFESTS:
                continue
            try:
                content = await self._manifest(Digest(text), media_type)
            except ManifestUnknown:
                continue
            found[content.digest] = content
            edges = parse_manifest(content.content, content.media_type).edges
            waiting += [(edge.digest, edge.media_type) for edge in edges if edge.kind is EdgeKind.MANIFEST]
        self._graph = found
        return found


async def _once(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content


@asynccontextmanager
async def open_folder(path: Path, *, writing: bool) -> AsyncIterator[LayoutRepository]:
    """The layout in a folder; made there if it is to be written. Raises ManifestUnknown if there is none to read."""
    files = FolderFiles(path)
    if writing:
        await files.make()
    if wrong := check_version(await files.small("oci-layout"), files.where):
        raise wrong
    yield LayoutRepository(files)


@asynccontextmanager
async def open_archive(path: Path, *, writing: bool) -> AsyncIterator[LayoutRepository]:
    """The layout in a tar archive. Written anew, with what it holds already, when the block ends without an error."""
    writer = TarWriter(path) if writing else None
    reader = None
    try:
        # First, so that nobody else puts an archive in place between what is read here and what is written.
        if writer is not None:
            await writer.open()
        if writer is None or path.exists():  # noqa: ASYNC240 - one look at a name
            reader = await open_tar(path)
        if reader is not None and (wrong := check_version(await reader.small("oci-layout", 4096), str(path))):
            raise wrong
        files = ArchiveFiles(path, reader, writer)
        await files.carry_over()
        yield LayoutRepository(files)
        if writer is not None:
            await files.finish()
    finally:
        if writer is not None:
            writer.abandon()
        if reader is not None:
            reader.close()
