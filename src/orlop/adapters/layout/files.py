"""Where the files of a layout lie: in a folder, in an archive that is read, or in one that is written."""

import asyncio
import fcntl
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from pathlib import Path
from typing import Protocol

from orlop.adapters.exclusive import ExclusiveFile
from orlop.adapters.layout.entries import INDEX_BYTES, LAYOUT_FILE
from orlop.adapters.tarball import Member, TarReader, TarWriter
from orlop.adapters.verified import PIECE
from orlop.domain.digest import Digest
from orlop.domain.errors import ContentCorrupt, Unsupported
from orlop.ports.upstream import UpstreamError

#: A change of index.json takes milliseconds; half a minute of waiting means that somebody hangs.
_LOCK_TRIES = 1_500
_LOCK_PAUSE = 0.02
#: Copies that may write one blob of a folder at once.
_WRITERS = 64


class LayoutFiles(Protocol):
    """The files of one layout. What is written is verified by whoever writes."""

    @property
    def where(self) -> str:
        """For people."""
        ...

    async def small(self, name: str) -> bytes | None:
        """index.json or oci-layout; None where there is none."""
        ...

    async def size(self, digest: Digest) -> int | None:
        """Of a blob in bytes; None where there is none."""
        ...

    def pieces(self, digest: Digest, offset: int) -> AsyncGenerator[bytes, None]:
        """The bytes of a blob that is there."""
        ...

    async def write(self, digest: Digest, size: int, content: AsyncGenerator[bytes, None]) -> None:
        """Store a blob, whole or not at all."""

    async def write_index(self, content: bytes) -> None:
        """Replace index.json."""

    async def remove(self, digest: Digest) -> None:
        """Delete a blob."""

    def changing(self) -> AbstractAsyncContextManager[None]:
        """A block in which nobody else changes index.json."""
        ...


def blob_name(digest: Digest) -> str:
    """`blobs/<algorithm>/<hex>`, the path of a blob in every layout."""
    return f"blobs/{digest.algorithm}/{digest.hex}"


class FolderFiles:
    """A folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._turn = asyncio.Lock()

    @property
    def where(self) -> str:
        """The folder."""
        return str(self._root)

    async def make(self) -> None:
        """Make an empty layout unless there is one. Raises UpstreamError, also for a folder of other things."""
        try:
            await asyncio.to_thread(self._root.mkdir, parents=True, exist_ok=True)
            async with self.changing():
                await asyncio.to_thread(self._make)
        except OSError as cause:
            raise UpstreamError(f"{self._root} cannot be written: {cause.strerror}") from cause

    def _make(self) -> None:
        there = (self._root / "oci-layout").exists()
        if not there and any(self._root.iterdir()):
            raise UpstreamError(f"{self._root} is not empty and not an OCI image layout")
        (self._root / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
        if not there:
            _replace(self._root / "oci-layout", LAYOUT_FILE)

    async def small(self, name: str) -> bytes | None:
        """See LayoutFiles."""
        return await asyncio.to_thread(self._small, name)

    def _small(self, name: str) -> bytes | None:
        try:
            with (self._root / name).open("rb") as file:
                content = file.read(INDEX_BYTES + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as cause:
            raise UpstreamError(f"{self._root / name} cannot be read: {cause.strerror}") from cause
        if len(content) > INDEX_BYTES:
            raise ContentCorrupt(f"{self._root / name} has more than {INDEX_BYTES} bytes")
        return content

    async def size(self, digest: Digest) -> int | None:
        """See LayoutFiles."""
        try:
            return (await asyncio.to_thread((self._root / blob_name(digest)).stat)).st_size
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as cause:
            raise UpstreamError(f"{self._root} cannot be read: {cause.strerror}") from cause

    async def pieces(self, digest: Digest, offset: int) -> AsyncGenerator[bytes, None]:
        """See LayoutFiles."""
        path = self._root / blob_name(digest)
        try:
            file = await asyncio.to_thread(path.open, "rb", 0)
            try:
                position = offset
                while piece := await asyncio.to_thread(os.pread, file.fileno(), PIECE, position):
                    position += len(piece)
                    yield piece
            finally:
                file.close()
        except OSError as cause:
            raise UpstreamError(f"{path} cannot be read: {cause.strerror}") from cause

    async def write(self, digest: Digest, size: int, content: AsyncGenerator[bytes, None]) -> None:
        """See LayoutFiles. A writer of the same at the same time is not waited for: it may be slow."""
        path = self._root / blob_name(digest)
        file = ExclusiveFile(path, _WRITERS)
        async with aclosing(content):
            try:
                await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
            except OSError as cause:
                raise UpstreamError(f"{path.parent} cannot be made: {cause.strerror}") from cause
            await asyncio.to_thread(file.open)
            try:
                async for piece in content:
                    await asyncio.to_thread(file.write, piece)
                await asyncio.to_thread(file.commit)
            finally:
                file.abandon()

    async def write_index(self, content: bytes) -> None:
        """See LayoutFiles."""
        await asyncio.to_thread(_replace, self._root / "index.json", content)

    async def remove(self, digest: Digest) -> None:
        """See LayoutFiles."""
        try:
            await asyncio.to_thread((self._root / blob_name(digest)).unlink, missing_ok=True)
        except OSError as cause:
            raise UpstreamError(f"{self._root} cannot be written: {cause.strerror}") from cause

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[None]:
        """One process at a time, by a lock on the folder itself: what is in it is made and replaced."""
        async with self._turn:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
            try:
                descriptor = await asyncio.to_thread(os.open, self._root, flags)
            except OSError as cause:
                raise UpstreamError(f"{self._root} cannot be opened: {cause.strerror}") from cause
            try:
                await self._lock(descriptor)
                yield
            finally:
                os.close(descriptor)

    async def _lock(self, descriptor: int) -> None:
        # Not a blocking lock in a thread: waiters would hold every thread that the one inside needs to go on.
        for _ in range(_LOCK_TRIES):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                await asyncio.sleep(_LOCK_PAUSE)
            else:
                return
        raise UpstreamError(f"{self._root} is being changed by somebody else")


def _replace(path: Path, content: bytes) -> None:
    file = ExclusiveFile(path)
    file.open()
    try:
        file.write(content)
        file.commit()
    finally:
        file.abandon()


class ArchiveFiles:
    """A tar archive: read in place, or written anew and then put in place of the old one."""

    def __init__(self, path: Path, reader: TarReader | None, writer: TarWriter | None) -> None:
        self._path = path
        self._reader = reader
        self._writer = writer
        self._written: dict[str, Member] = {}
        self._index: bytes | None = None
        self._turn = asyncio.Lock()

    @property
    def where(self) -> str:
        """The file."""
        return str(self._path)

    async def carry_over(self) -> None:
        """Put what the old archive holds into the new one."""
        if self._reader is not None and self._writer is not None:
            self._index = await self._reader.small("index.json", INDEX_BYTES)
            for name in self._reader.names():
                member = self._reader.find(name)
                if member is not None and name.startswith("blobs/"):
                    self._written[name] = await self._writer.add(name, member.size, self._reader.pieces(member, 0))

    async def small(self, name: str) -> bytes | None:
        """See LayoutFiles."""
        if self._writer is not None:
            return self._index if name == "index.json" else LAYOUT_FILE
        return await self._reader.small(name, INDEX_BYTES) if self._reader else None

    async def size(self, digest: Digest) -> int | None:
        """See LayoutFiles."""
        member = self._find(digest)
        return member.size if member else None

    def pieces(self, digest: Digest, offset: int) -> AsyncGenerator[bytes, None]:
        """See LayoutFiles."""
        member = self._find(digest) or Member(0, 0)
        if self._writer is not None:
            return self._writer.pieces(member, offset)
        assert self._reader is not None
        return self._reader.pieces(member, offset)

    async def write(self, digest: Digest, size: int, content: AsyncGenerator[bytes, None]) -> None:
        """See LayoutFiles."""
        writer = self._writing()
        self._written[blob_name(digest)] = await writer.add(blob_name(digest), size, content)

    async def write_index(self, content: bytes) -> None:
        """See LayoutFiles: kept until the archive is finished."""
        self._writing()
        self._index = content

    async def remove(self, digest: Digest) -> None:
        """An archive is not rewritten to make it smaller."""
        raise Unsupported("nothing can be deleted from an archive; copy what is to stay into a new one")

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[None]:
        """One at a time."""
        async with self._turn:
            yield

    async def finish(self) -> None:
        """Write what describes the content, and put the archive in place."""
        writer = self._writing()
        await writer.add_bytes("oci-layout", LAYOUT_FILE)
        await writer.add_bytes("index.json", self._index or b'{"schemaVersion":2,"manifests":[]}')
        await writer.commit()

    def _find(self, digest: Digest) -> Member | None:
        name = blob_name(digest)
        if self._writer is not None:
            return self._written.get(name)
        return self._reader.find(name) if self._reader else None

    def _writing(self) -> TarWriter:
        if self._writer is None:
            raise Unsupported(f"{self._path} was opened to be read")
        return self._writer
