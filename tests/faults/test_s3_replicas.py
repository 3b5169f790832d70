"""Sessions that change hands between replicas on one bucket, and writers that do not know they lost theirs."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from orlop.adapters.s3 import S3Blobs, S3Session
from orlop.adapters.sql.memory import open_memory
from orlop.bootstrap.clocks import RandomIds
from orlop.domain.digest import digest_of
from orlop.domain.errors import BlobUploadUnknown, DigestInvalid
from orlop.domain.names import RepositoryName
from orlop.domain.ranges import Span
from orlop.ports.clock import SECOND
from orlop.services.collection.sweep import QUARANTINE
from orlop.services.content.uploads import Body
from tests.content import blob
from tests.registry import ALICE, EXPIRE, LEASE, CountedIds, HandClock, Registry, Stores, body
from tests.s3 import S3Server, versitygw

pytestmark = pytest.mark.slow

APP = RepositoryName("app")
PART = 5 * 1024 * 1024
CONTENT = blob("content", 3 * PART + 4711)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with versitygw(tmp_path_factory.mktemp("versitygw")) as server:
        server.made("replicas")
        yield server


@asynccontextmanager
async def replicas(server: S3Server, count: int) -> AsyncIterator[list[Registry]]:
    """Registries that share a catalog and a bucket, each with a session of its own to the store."""
    catalog, clock, ids = open_memory().catalog, HandClock(), CountedIds()
    prefix = str(uuid.uuid4())
    made = []
    for _ in range(count):
        blobs = S3Blobs(S3Session(server.options("replicas", prefix)), RandomIds(), part=PART)
        stores = Stores(catalog, blobs.stage, blobs.reader, blobs.remover, blobs.inventory, blobs.close)
        made.append(Registry(stores, clock, ids))
    try:
        yield made
    finally:
        for registry in made:
            await registry.stores.close()


async def check(registry: Registry) -> None:
    """The content is there, whole, and nothing else is."""
    found, _ = await registry.blobs.find(APP, CONTENT.digest, ALICE)
    content = await registry.blobs.open(found)
    assert b"".join([piece async for piece in content.chunks(Span(0, found.size))]) == CONTENT.content
    registry.clock.at += EXPIRE + SECOND
    await registry.collection.expire_uploads()
    await registry.sweep.run()
    registry.clock.at += QUARANTINE + SECOND
    await registry.sweep.run()
    assert [stage async for stage in registry.stores.inventory.stages()] == []
    assert (await registry.verification().run()).is_clean


@pytest.mark.parametrize("chunk", [PART // 3 + 1, PART, 2 * PART - 1], ids=["small", "equal", "large"])
async def test_every_chunk_may_come_to_another_replica(server: S3Server, chunk: int) -> None:
    async with replicas(server, 3) as registries:
        upload = await registries[0].uploads.start(APP, ALICE)
        for turn, start in enumerate(range(0, CONTENT.size, chunk)):
            piece = CONTENT.content[start : start + chunk]
            upload = await registries[turn % 3].uploads.append(APP, upload.id, body(piece), ALICE)
            assert upload.offset == start + len(piece)
        await registries[1].uploads.finish(APP, upload.id, CONTENT.digest, body(), ALICE)
        await check(registries[2])


async def test_a_wrong_digest_leaves_the_session_for_another_replica(server: S3Server) -> None:
    async with replicas(server, 2) as (first, second):
        upload = await first.uploads.start(APP, ALICE)
        await first.uploads.append(APP, upload.id, body(CONTENT.content[: PART + 10]), ALICE)
        with pytest.raises(DigestInvalid):
            await second.uploads.finish(APP, upload.id, digest_of(b""), body(CONTENT.content[PART:]), ALICE)
        assert (await first.uploads.status(APP, upload.id, ALICE)).offset == PART + 10
        await first.uploads.finish(APP, upload.id, CONTENT.digest, body(CONTENT.content[PART + 10 :]), ALICE)
        await check(second)


async def test_nothing_that_a_zombie_writes_gets_into_a_blob(server: S3Server) -> None:
    """A replica stands still for longer than its lease in the middle of a chunk, and then goes on writing."""
    async with replicas(server, 2) as (zombie, successor):
        upload = await zombie.uploads.start(APP, ALICE)
        stands, goes_on = asyncio.Event(), asyncio.Event()

        async def arriving() -> AsyncIterator[bytes]:
            yield b"z" * (PART + 1)
            stands.set()
            await goes_on.wait()
            yield b"z" * (2 * PART)

        lost = asyncio.create_task(zombie.uploads.append(APP, upload.id, Body(arriving()), ALICE))
        await stands.wait()
        zombie.clock.at += LEASE + SECOND
        half = CONTENT.size // 2
        await successor.uploads.append(APP, upload.id, body(CONTENT.content[:half]), ALICE)
        goes_on.set()
        with pytest.raises(BlobUploadUnknown):
            await lost
        assert (await successor.uploads.status(APP, upload.id, ALICE)).offset == half
        await successor.uploads.finish(APP, upload.id, CONTENT.digest, body(CONTENT.content[half:]), ALICE)
        await check(zombie)


async def test_a_zombie_that_writes_after_the_commit_leaves_only_a_stray_stage(server: S3Server) -> None:
    async with replicas(server, 2) as (zombie, successor):
        upload = await zombie.uploads.start(APP, ALICE)
        writer = await zombie.stores.stage.open(upload.id, 0, "sha256")
        await successor.uploads.finish(APP, upload.id, CONTENT.digest, body(CONTENT.content), ALICE)
        await writer.write(b"z" * PART)
        await writer.checkpoint()
        await writer.close()
        assert [stage.upload async for stage in zombie.stores.inventory.stages()] == [upload.id]
        await check(zombie)
