"""Tar files as an index of members that are read in place, and written member by member. Nothing is ever unpacked.

Not an adapter of a port: what the archive formats have in common. Compressed archives are refused, because a member
in them cannot be reached without reading all before it.
"""

import asyncio
import itertools
import os
import posixpath
import tarfile
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import IO, NamedTuple

from orlop.adapters.exclusive import ExclusiveFile
from orlop.adapters.verified import PIECE
from orlop.domain.errors import ContentCorrupt
from orlop.ports.upstream import UpstreamError

#: More members than any image has files to name; a bound on time and memory.
MEMBERS = 100_000
#: Names and links are read into memory by the tar format's own extensions; none is longer than this.
_HEADER_BYTES = 1024 * 1024
_LINKS = 8
_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}


class Member(NamedTuple):
    """A regular file within the archive; `offset` is where its bytes begin in the archive."""

    offset: int
    size: int


class _Bounded:
    """A file that refuses to read much at once, so that no header makes its reader take gigabytes into memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, length: int = -1) -> bytes:
        if not 0 <= length <= _HEADER_BYTES:
            raise tarfile.ReadError("a header is longer than any name")
        return self._file.read(length)

    def seek(self, position: int) -> int:
        return self._file.seek(position)

    def tell(self) -> int:
        return self._file.tell()


class TarReader:
    """The members of an archive. Made by `open_tar`; close it."""

    def __init__(self, path: Path, file: IO[bytes], members: dict[str, Member], links: dict[str, str]) -> None:
        self.path = path
        self._file = file
        self._members = members
        self._links = links

    def names(self) -> list[str]:
        """The regular files, in the order of the archive."""
        return list(self._members)

    def find(self, name: str) -> Member | None:
        """A member by its name; links within the archive are followed, as `docker save` once wrote them."""
        for _ in range(_LINKS):
            name = posixpath.normpath(name)
            if name in self._members:
                return self._members[name]
            if name not in self._links:
                return None
            name = self._links[name]
        return None

    async def small(self, name: str, limit: int) -> bytes | None:
        """A whole member of at most `limit` bytes; None where there is none. Raises ContentCorrupt."""
        member = self.find(name)
        if member is None:
            return None
        if member.size > limit:
            raise ContentCorrupt(f"{name} in {self.path} has more than {limit} bytes")
        return b"".join([piece async for piece in self.pieces(member, 0)])

    async def pieces(self, member: Member, offset: int) -> AsyncGenerator[bytes, None]:
        """The bytes of a member from `offset` on. Ends early where the archive does."""
        position, stop = member.offset + offset, member.offset + member.size
        while position < stop:
            length = min(PIECE, stop - position)
            piece = await asyncio.to_thread(os.pread, self._file.fileno(), length, position)
            if not piece:
                return
            position += len(piece)
            yield piece

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


async def open_tar(path: Path) -> TarReader:
    """Read the index of an archive. Raises UpstreamError (no such file, not readable) or ContentCorrupt (not a tar)."""
    return await asyncio.to_thread(_open, path)


def _open(path: Path) -> TarReader:
    try:
        file = path.open("rb")
    except OSError as cause:
        raise UpstreamError(f"{path} cannot be opened: {cause.strerror}") from cause
    try:
        members, links = _index(path, file)
    except BaseException:
        file.close()
        raise
    return TarReader(path, file, members, links)


def _index(path: Path, file: IO[bytes]) -> tuple[dict[str, Member], dict[str, str]]:
    members: dict[str, Member] = {}
    links: dict[str, str] = {}
    try:
        start = file.read(6)
        file.seek(0)
        for magic, name in _MAGIC.items():
            if start.startswith(magic):
                raise UpstreamError(f"{path} is compressed with {name}; decompress it first")
        size = os.fstat(file.fileno()).st_size
        with tarfile.open(fileobj=_Bounded(file), mode="r:", errorlevel=1) as tar:  # type: ignore[call-overload]
            for count in itertools.count():
                if (entry := tar.next()) is None:
                    break
                tar.members = []  # the library keeps every entry it has read
                if count >= MEMBERS:
                    raise ContentCorrupt(f"{path} has more than {MEMBERS} members")
                name = posixpath.normpath(entry.name)
                if entry.issym():
                    links[name] = posixpath.join(posixpath.dirname(name), entry.linkname)
                elif entry.islnk():
                    links[name] = entry.linkname
                elif entry.isreg() and not entry.issparse():
                    if name in members:
                        raise ContentCorrupt(f"{path} holds {name[:200]!r} twice")
                    if entry.size < 0 or entry.offset_data + entry.size > size:
                        raise ContentCorrupt(f"{path} ends within {name[:200]!r}")
                    members[name] = Member(entry.offset_data, entry.size)
    except (tarfile.TarError, ValueError, OverflowError, RecursionError) as cause:
        raise ContentCorrupt(f"{path} is not a tar archive that can be read: {cause}") from cause
    except OSError as cause:
        raise UpstreamError(f"{path} cannot be read: {cause.strerror}") from cause
    return members, links


class TarWriter:
    """An archive in the making, beside where it will be; one member at a time, whole or not at all."""

    def __init__(self, path: Path) -> None:
        self._file = ExclusiveFile(path)
        self._turn = asyncio.Lock()
        self._folders: set[str] = set()
        self._members: dict[str, Member] = {}

    async def open(self) -> None:
        """Begin. Raises UpstreamError."""
        await asyncio.to_thread(self._file.open)

    async def add(self, name: str, size: int, content: AsyncGenerator[bytes, None]) -> Member:
        """Append a member of `size` bytes, unless it is there; `content` is not read then.

        Raises whatever `content` does, and then the member is not there.
        """
        async with self._turn, aclosing(content):
            if (there := self._members.get(name)) is not None:
                return there
            start = self._file.size
            try:
                await asyncio.to_thread(self._file.write, self._headers(name, size))
                member = Member(self._file.size, size)
                async for piece in content:
                    await asyncio.to_thread(self._file.write, piece)
                await asyncio.to_thread(self._file.write, b"\0" * (-size % tarfile.BLOCKSIZE))
            except BaseException:
                self._file.truncate(start)
                raise
            self._folders.update(_parents(name))
            self._members[name] = member
            return member

    async def add_bytes(self, name: str, content: bytes) -> Member:
        """Append a small member."""

        async def once() -> AsyncGenerator[bytes, None]:
            yield content

        return await self.add(name, len(content), once())

    async def pieces(self, member: Member, offset: int) -> AsyncGenerator[bytes, None]:
        """Read back what was written."""
        position, stop = member.offset + offset, member.offset + member.size
        while position < stop:
            piece = await asyncio.to_thread(self._file.read, position, min(PIECE, stop - position))
            if not piece:
                return
            position += len(piece)
            yield piece

    async def commit(self) -> None:
        """Close the archive and put it in place of what was there."""
        await asyncio.to_thread(self._file.write, b"\0" * (2 * tarfile.BLOCKSIZE))
        await asyncio.to_thread(self._file.write, b"\0" * (-self._file.size % tarfile.RECORDSIZE))
        await asyncio.to_thread(self._file.commit)

    def abandon(self) -> None:
        """Leave what was there as it was. Does nothing after a commit."""
        self._file.abandon()

    def _headers(self, name: str, size: int) -> bytes:
        headers = b""
        for folder in _parents(name):
            if folder not in self._folders:
                entry = tarfile.TarInfo(folder)
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                headers += entry.tobuf(tarfile.GNU_FORMAT)
        entry = tarfile.TarInfo(name)
        entry.size = size
        return headers + entry.tobuf(tarfile.GNU_FORMAT)


def _parents(name: str) -> list[str]:
    parts = name.split("/")[:-1]
    return ["/".join(parts[: length + 1]) for length in range(len(parts))]
