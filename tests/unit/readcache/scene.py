"""A cache before a store that does what the test says."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

from orlop.adapters.readcache import CachedReader, CacheFolder, Outcome
from orlop.domain.blob import Blob, BlobKey
from orlop.domain.errors import Unavailable
from orlop.domain.ranges import Span
from orlop.ports.blobs import PIECE, BlobContent
from tests.content import Piece

LIMIT = 16 * 1024 * 1024


class Store:
    """A store whose copies are what `pieces` says, right or wrong; `opened` counts."""

    def __init__(self) -> None:
        self.pieces: dict[BlobKey, bytes] = {}
        self.opened = 0
        self.is_away = False

    def hold(self, piece: Piece, content: bytes | None = None) -> Blob:
        """Put a copy there, by default the right one."""
        key = BlobKey(piece.digest, f"{len(self.pieces):032x}")
        self.pieces[key] = piece.content if content is None else content
        return Blob(key, piece.size)

    async def open(self, copy: Blob) -> BlobContent:
        """See ports.blobs.BlobReader."""
        if self.is_away:
            raise Unavailable("the store is away")
        self.opened += 1
        return Content(self.pieces[copy.key])


class Content:
    """See ports.blobs.BlobContent. Comes in small pieces."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.size = len(content)

    async def read(self) -> bytes:
        """See ports.blobs.BlobContent."""
        return self._content

    async def chunks(self, span: Span, most: int = PIECE) -> AsyncIterator[bytes]:
        """See ports.blobs.BlobContent."""
        step = min(most, 100_001)
        for start in range(span.start, span.stop, step):
            yield self._content[start : min(start + step, span.stop)]

    def close(self) -> None:
        """Nothing is held."""


class Scene:
    """A cache before a store; what happened is counted by outcome."""

    def __init__(self, root: Path, limit: int = LIMIT) -> None:
        self.root = root
        self.store = Store()
        self.counts: Counter[Outcome] = Counter()
        self.folder = CacheFolder(root, limit)
        self.folder.prepare()
        self.reader = CachedReader(self.store, self.folder, self._count)

    def _count(self, outcome: Outcome) -> None:
        self.counts[outcome] += 1

    async def read(self, copy: Blob, span: Span | None = None) -> bytes:
        """The bytes as a client gets them."""
        content = await self.reader.open(copy)
        try:
            return b"".join([piece async for piece in content.chunks(span or Span(0, copy.size))])
        finally:
            content.close()

    async def settled(self) -> None:
        """What was given up in the background is gone."""
        async with asyncio.timeout(10):
            while self.parts() or self.counted() != self.taken():  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.001)

    def entries(self) -> list[Path]:
        """The files of everything that is kept."""
        return sorted(self.root.glob("kept/*/*"))

    def parts(self) -> list[Path]:
        """The files in the making."""
        return sorted(self.root.glob("parts/*"))

    def counted(self) -> int:
        """The bytes that the cache believes it takes."""
        return int.from_bytes((self.root / "room").read_bytes(), "little")

    def taken(self) -> int:
        """The bytes that it takes."""
        return sum(path.stat().st_size for path in self.entries())

    def check(self) -> None:
        """Nothing is in the making, and the count is right."""
        assert self.parts() == []
        assert self.counted() == self.taken()
