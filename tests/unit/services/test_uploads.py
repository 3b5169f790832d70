"""Uploads whose session ends while a request still writes to it, or whose store goes away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from orlop.domain.blob import Blob
from orlop.domain.errors import BlobUploadUnknown, RegistryError, TooManyRequests, Unavailable
from orlop.ports.blobs import BlobStage, StageWriter
from orlop.services import uploads
from orlop.services.uploads import Body
from tests.content import blob
from tests.contract.scene import APP
from tests.registry import ALICE, HandClock, Registry, body, empty_on_disk, in_memory


async def _stages(registry: Registry) -> list[str]:
    return [stage.upload async for stage in registry.stores.inventory.stages()]


@pytest.mark.parametrize("swept", [False, True])
async def test_a_session_cancelled_while_it_is_written_leaves_no_stage(swept: bool) -> None:
    registry = Registry(in_memory(HandClock()).stores, HandClock())
    upload = await registry.uploads.start(APP, ALICE)

    async def cancelled_half_way() -> AsyncIterator[bytes]:
        yield b"before"
        await registry.uploads.cancel(APP, upload.id, ALICE)
        if swept:
            await registry.collection.expire_uploads()
        yield b"after"

    with pytest.raises(BlobUploadUnknown):
        await registry.uploads.append(APP, upload.id, Body(cancelled_half_way()), ALICE)
    assert await _stages(registry) == []


async def test_a_session_that_somebody_else_took_over_keeps_its_stage() -> None:
    clock = HandClock()
    registry = Registry(in_memory(clock).stores, clock)
    upload = await registry.uploads.start(APP, ALICE)

    async def taken_over() -> AsyncIterator[bytes]:
        yield b"before"
        until = clock.at + 2 * 60_000_000
        clock.at = until - 1  # the lease is over, the session is not
        await registry.stores.catalog.uploads.claim(APP, upload.id, now=clock.at, lease_until=until)
        yield b"after"

    with pytest.raises(BlobUploadUnknown):
        await registry.uploads.append(APP, upload.id, Body(taken_over()), ALICE)
    assert await _stages(registry) == [upload.id]


class Swallowed:
    """A stage behind a network that swallows everything: what is asked for fails late, or not before the test ends."""

    def __init__(self, stage: BlobStage) -> None:
        self._stage = stage
        self.is_cut = True

    async def open(self, upload: str, offset: int, algorithm: str, place: str = "") -> StageWriter:
        """See ports.blobs.BlobStage."""
        if self.is_cut:
            raise Unavailable("the store cannot be reached")
        return await self._stage.open(upload, offset, algorithm, place)

    async def discard(self, upload: str) -> None:
        """See ports.blobs.BlobStage."""
        if self.is_cut:
            await asyncio.Event().wait()
        await self._stage.discard(upload)


async def test_a_client_does_not_wait_for_a_store_that_went_away_to_clear_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "FORSAKE", 0.05)
    stores = in_memory(HandClock()).stores
    swallowed = Swallowed(stores.stage)
    registry = Registry(stores._replace(stage=swallowed), HandClock())  # type: ignore[arg-type]
    piece = blob("lost")
    async with asyncio.timeout(10):
        with pytest.raises(Unavailable, match="the store cannot be reached"):
            await registry.uploads.push(APP, piece.digest, body(piece.content), ALICE)
    swallowed.is_cut = False
    assert await registry.collection.expire_uploads() == 1
    assert (await registry.stores.catalog.vitals.totals()).uploads == 0


@asynccontextmanager
async def _on_files(folder: Path) -> AsyncIterator[Registry]:
    registry = Registry(empty_on_disk(folder / "data"), HandClock())
    yield registry
    assert (await registry.verification().run()).findings == []
    await registry.stores.close()


async def _staged(registry: Registry, content: bytes) -> str:
    """A session that holds this much."""
    upload = await registry.uploads.start(APP, ALICE)
    await registry.uploads.append(APP, upload.id, body(content), ALICE)
    return upload.id


async def test_the_end_of_an_upload_may_arrive_twice_at_once(tmp_path: Path) -> None:
    async with _on_files(tmp_path) as registry:
        for number in range(10):
            piece = blob(f"twice {number}")
            upload = await _staged(registry, piece.content)
            ends = (registry.uploads.finish(APP, upload, piece.digest, body(), ALICE) for _ in range(3))
            ended = await asyncio.gather(*ends, return_exceptions=True)
            # One that comes while another moves the bytes is told to come back, and then it has ended well.
            assert {type(each) for each in ended} <= {Blob, TooManyRequests}
            assert Blob in {type(each) for each in ended}
            again = await registry.uploads.finish(APP, upload, piece.digest, body(), ALICE)
            assert again.key.digest == piece.digest
        assert await _stages(registry) == []


async def test_a_chunk_that_meets_the_end_of_its_upload_is_never_half_in_the_blob(tmp_path: Path) -> None:
    """The end writes nothing, so it keeps nobody from the session: what comes in between it makes it fail, or fails."""
    seen = set()
    async with _on_files(tmp_path) as registry:
        for number in range(40):
            piece = blob(f"met {number}", 5_000)
            upload = await _staged(registry, piece.content)

            async def dawdling(pauses: int = number % 8) -> AsyncIterator[bytes]:
                for _ in range(pauses):
                    await asyncio.sleep(0.0005)
                yield b"more"

            chunk, end = await asyncio.gather(
                registry.uploads.append(APP, upload, Body(dawdling(), length=4), ALICE),
                registry.uploads.finish(APP, upload, piece.digest, body(), ALICE),
                return_exceptions=True,
            )
            assert isinstance(chunk, RegistryError) or isinstance(end, RegistryError), "both of them cannot be true"
            seen.add((type(chunk).__name__, type(end).__name__))
            held = await registry.stores.catalog.links.find(APP, piece.digest)
            assert (held is None) == isinstance(end, RegistryError)
        assert {end for _, end in seen} != {"Blob"}, "no end ever met a chunk"
