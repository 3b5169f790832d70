"""A blob store that is read through the cache keeps to every contract: what is not in it yet, and what already is."""

from pathlib import Path
from typing import NamedTuple

import pytest

from orlop.adapters.memory.blobs import MemoryBlobs, MemoryStage
from orlop.adapters.readcache import CachedReader, CacheFolder
from orlop.domain.blob import Blob
from orlop.domain.ranges import Span
from orlop.ports.blobs import BlobContent, BlobReader
from tests.contract import kits
from tests.contract.blobs import BlobStore
from tests.contract.scene import START
from tests.contract.test_memory import FixedClock

LIMIT = 64 * 1024 * 1024


class Warming(NamedTuple):
    """Reads each copy as a whole before it opens it, so that it comes from the cache."""

    reader: BlobReader

    async def open(self, blob: Blob) -> BlobContent:
        """See ports.blobs.BlobReader."""
        first = await self.reader.open(blob)
        [piece async for piece in first.chunks(Span(0, blob.size))]
        first.close()
        return await self.reader.open(blob)


@pytest.fixture(name="store", params=["cold", "warm"])
def _store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    clock = FixedClock()
    blobs = MemoryBlobs(clock)
    folder = CacheFolder(tmp_path / "cache", LIMIT)
    folder.prepare()
    reader = CachedReader(blobs, folder, lambda _: None)
    return BlobStore(MemoryStage(blobs, clock), reader if request.param == "cold" else Warming(reader), blobs, blobs)


@pytest.fixture(name="now")
def _now() -> int:
    return START


class TestBlobs(kits.BlobStoreKit):
    """Stages and copies."""
