"""A folder as a tree of storage. Read in threads, so that a slow disk holds up nothing else."""

import asyncio
import os
from collections.abc import AsyncGenerator
from pathlib import Path

from orlop.adapters.verified import PIECE
from orlop.domain.errors import ContentCorrupt
from orlop.ports.upstream import UpstreamError

_ABSENT = (FileNotFoundError, NotADirectoryError)


class FolderTree:
    """See ports.importing.StorageTree."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def where(self) -> str:
        """The folder."""
        return str(self._root)

    async def names(self, path: str) -> list[str]:
        """See StorageTree."""
        return await asyncio.to_thread(self._names, path)

    def _names(self, path: str) -> list[str]:
        try:
            return sorted((each.name for each in (self._root / path).iterdir()), key=os.fsencode)
        except _ABSENT:
            return []
        except OSError as cause:
            raise UpstreamError(f"{self._root / path} cannot be read: {cause.strerror}") from cause

    async def small(self, path: str, limit: int) -> bytes | None:
        """See StorageTree."""
        return await asyncio.to_thread(self._small, path, limit)

    def _small(self, path: str, limit: int) -> bytes | None:
        try:
            with (self._root / path).open("rb", buffering=0) as file:
                content = file.read(limit + 1)
        except (*_ABSENT, IsADirectoryError):
            return None
        except OSError as cause:
            raise UpstreamError(f"{self._root / path} cannot be read: {cause.strerror}") from cause
        if len(content) > limit:
            raise ContentCorrupt(f"{self._root / path} has more than {limit} bytes")
        return content

    async def size(self, path: str) -> int | None:
        """See StorageTree."""
        try:
            return (await asyncio.to_thread((self._root / path).stat)).st_size
        except _ABSENT:
            return None
        except OSError as cause:
            raise UpstreamError(f"{self._root / path} cannot be read: {cause.strerror}") from cause

    async def pieces(self, path: str, offset: int) -> AsyncGenerator[bytes, None]:
        """See StorageTree."""
        try:
            file = await asyncio.to_thread((self._root / path).open, "rb", 0)
            try:
                position = offset
                while piece := await asyncio.to_thread(os.pread, file.fileno(), PIECE, position):
                    position += len(piece)
                    yield piece
            finally:
                file.close()
        except OSError as cause:
            raise UpstreamError(f"{self._root / path} cannot be read: {cause.strerror}") from cause
