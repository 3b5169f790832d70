"""What goes wrong between Orlop and the store: an acknowledged blob is whole, any other absent, and nothing is left."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import cache

import pytest
from botocore.retries.standard import ExponentialBackoff

from orlop.adapters.s3 import S3Blobs, S3Session
from orlop.adapters.sql.memory import open_memory
from orlop.bootstrap.clocks import RandomIds
from orlop.domain.blob import Blob
from orlop.domain.errors import BlobUnknown, ContentCorrupt, Unavailable
from orlop.domain.names import RepositoryName
from orlop.domain.ranges import Span
from orlop.ports.clock import SECOND
from orlop.services.collection.sweep import QUARANTINE
from tests.content import Piece, blob
from tests.faults.s3proxy import Fault, Mode, Proxy, proxy
from tests.registry import ALICE, EXPIRE, HandClock, Registry, Stores, body
from tests.s3 import S3Server, versitygw

pytestmark = pytest.mark.slow

APP = RepositoryName("app")
PART = 5 * 1024 * 1024
LARGE, SMALL = blob("large", 2 * PART + 4711), blob("small", 100_000)

ALWAYS = 1_000
#: How often each fault strikes.
STRIKES = 10
#: What only a blob of several parts asks for.
MULTIPART = {"create_multipart_upload", "upload_part_copy", "complete_multipart_upload"}
#: Faults that one repetition of the request gets over.
PASSING = [
    *(
        Fault(operation, mode)
        for operation in ("put_object", "create_multipart_upload", "upload_part_copy", "complete_multipart_upload")
        for mode in (Mode.ERROR, Mode.SLOW_DOWN, Mode.CONFLICT, Mode.LATE, Mode.RESET, Mode.LOST, Mode.LOST_500)
    ),
    *(Fault(operation, Mode.ERROR_IN_200) for operation in ("upload_part_copy", "complete_multipart_upload")),
    *(Fault(operation, mode) for operation in ("head_object", "delete_objects") for mode in (Mode.ERROR, Mode.LOST)),
    Fault("put_object", Mode.PARTIAL),
]
#: Faults that stay.
LASTING = [
    Fault("put_object", Mode.SLOW_DOWN, ALWAYS),
    Fault("put_object", Mode.PARTIAL, ALWAYS),
    Fault("put_object", Mode.CONFLICT, ALWAYS),
    Fault("upload_part_copy", Mode.ERROR_IN_200, ALWAYS),
    Fault("complete_multipart_upload", Mode.ERROR, ALWAYS),
    Fault("complete_multipart_upload", Mode.LOST, ALWAYS),
    Fault("head_object", Mode.RESET, ALWAYS),
    Fault("delete_objects", Mode.ERROR, ALWAYS),
    Fault("any", Mode.RESET, ALWAYS),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with versitygw(tmp_path_factory.mktemp("versitygw")) as server:
        server.made("faults")
        yield server


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every try fails, the driver begins the next one at once."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0.0)


@asynccontextmanager
async def registry_behind(server: S3Server) -> AsyncIterator[tuple[Registry, Proxy]]:
    """A registry whose blobs are in a fresh prefix, and the proxy on the way there."""
    async with proxy(server.endpoint) as between:
        options = server._replace(endpoint=between.endpoint).options("faults", str(uuid.uuid4()))
        blobs = S3Blobs(S3Session(options), RandomIds(), part=PART)
        catalog = open_memory().catalog
        stores = Stores(catalog, blobs.stage, blobs.reader, blobs.remover, blobs.inventory, blobs.close)
        try:
            yield Registry(stores, HandClock()), between
        finally:
            await blobs.close()


async def pulled(registry: Registry, found: Blob) -> bytes:
    """The bytes of a blob as a client would get them."""
    content = await registry.blobs.open(found)
    try:
        return b"".join([piece async for piece in content.chunks(Span(0, found.size))])
    finally:
        content.close()


async def pushed(registry: Registry, piece: Piece) -> bool:
    """Push a blob in two chunks; whether that was acknowledged. Either way the registry has all of it or nothing."""
    cut = piece.size * 2 // 3
    try:
        upload = await registry.uploads.start(APP, ALICE)
        await registry.uploads.append(APP, upload.id, body(piece.content[:cut]), ALICE)
        await registry.uploads.finish(APP, upload.id, piece.digest, body(piece.content[cut:]), ALICE)
    except Unavailable:
        with pytest.raises(BlobUnknown):
            await registry.blobs.find(APP, piece.digest, ALICE)
        return False
    return True


async def check_clean(registry: Registry) -> None:
    """After everything had its time, only what the catalog knows is there, and it is right."""
    registry.clock.at += EXPIRE + SECOND
    await registry.collection.expire_uploads()
    await registry.sweep.run()
    registry.clock.at += QUARANTINE + SECOND
    await registry.sweep.run()
    assert [stage async for stage in registry.stores.inventory.stages()] == []
    report = await registry.verification().run()
    assert report.is_clean, report.findings
    assert report.copies == report.blobs


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: f"{fault.operation}-{fault.mode.name}")
async def test_pushes_get_over_it(server: S3Server, fault: Fault) -> None:
    """As many pushes at once as it strikes."""
    pieces = _pieces(PART + 4711 if fault.operation in MULTIPART else SMALL.size)
    async with registry_behind(server) as (registry, between):
        between.fault = fault._replace(times=STRIKES)
        assert all(await asyncio.gather(*(pushed(registry, piece) for piece in pieces)))
        assert between.struck == STRIKES
        between.fault = None
        for piece in pieces:
            found, _ = await registry.blobs.find(APP, piece.digest, ALICE)
            assert await pulled(registry, found) == piece.content
        await check_clean(registry)


@cache
def _pieces(size: int) -> list[Piece]:
    """Different blobs of that size."""
    same = blob("same", size).content
    return [Piece(f"piece {number}", LARGE.media_type, bytes([number]) + same[1:]) for number in range(STRIKES)]


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("fault", LASTING, ids=lambda fault: f"{fault.operation}-{fault.mode.name}")
async def test_a_push_that_is_refused_leaves_nothing(server: S3Server, fault: Fault) -> None:
    async with registry_behind(server) as (registry, between):
        between.fault = fault
        acknowledged = await pushed(registry, LARGE)
        between.fault = None
        if acknowledged:
            found, _ = await registry.blobs.find(APP, LARGE.digest, ALICE)
            assert await pulled(registry, found) == LARGE.content
        await check_clean(registry)
        assert await pushed(registry, LARGE)
        assert await pushed(registry, SMALL)
        await check_clean(registry)


@pytest.mark.parametrize("mode", [Mode.CUT, Mode.SHORT, Mode.ERROR, Mode.RESET], ids=lambda mode: mode.name)
@pytest.mark.parametrize("piece", [LARGE, SMALL], ids=lambda piece: piece.name)
async def test_a_pull_goes_on_where_the_connection_was_cut(server: S3Server, mode: Mode, piece: Piece) -> None:
    async with registry_behind(server) as (registry, between):
        assert await pushed(registry, piece)
        found, _ = await registry.blobs.find(APP, piece.digest, ALICE)
        between.fault = Fault("get_object", mode, 2)
        assert await pulled(registry, found) == piece.content
        assert between.struck == 2


@pytest.mark.usefixtures("hasty")
async def test_a_pull_never_ends_early_without_a_word(server: S3Server) -> None:
    async with registry_behind(server) as (registry, between):
        found = await registry.push_blob(APP, LARGE)
        content = await registry.blobs.open(found)
        between.fault = Fault("get_object", Mode.RESET, ALWAYS)
        with pytest.raises(Unavailable):
            [piece async for piece in content.chunks(Span(0, found.size))]
        between.fault = None
        await registry.stores.remover.remove(found.key)
        with pytest.raises(ContentCorrupt):
            [piece async for piece in content.chunks(Span(0, found.size))]
        with pytest.raises(BlobUnknown, match="was damaged in the store; push it again"):
            await registry.blobs.open(found)


async def test_requests_of_a_push_and_a_pull_are_counted(server: S3Server) -> None:
    async with registry_behind(server) as (registry, between):
        await registry.push_blob(APP, SMALL)
        assert between.seen == {
            "put_object": 1,
            "copy_object": 1,
            "head_object": 1,
            "list_objects_v2": 1,
            "delete_objects": 1,
        }
        between.seen.clear()
        found = await registry.push_blob(APP, LARGE)
        assert between.seen == {
            "put_object": 3,
            "create_multipart_upload": 1,
            "upload_part_copy": 3,
            "complete_multipart_upload": 1,
            "head_object": 1,
            "list_objects_v2": 1,
            "delete_objects": 1,
        }
        between.seen.clear()
        await pulled(registry, found)
        assert between.seen == {"head_object": 1, "get_object": 1}
