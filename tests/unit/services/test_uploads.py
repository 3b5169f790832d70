"""Uploads whose session ends while a request still writes to it, or whose store goes away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orlop.domain.blob import Blob
from orlop.domain.digest import digest_of
from orlop.domain.errors import BlobUploadUnknown, BodyInterrupted, RegistryError, TooManyRequests, Unavailable
from orlop.domain.upload import Upload
from orlop.ports.blobs import BlobStage, StageWriter
from orlop.ports.catalog import Uploads
from orlop.services import uploads
from orlop.services.uploads import Body
from tests.content import blob
from tests.contract.scene import APP
from tests.registry import ALICE, HandClock, Registry, body, empty_on_disk, in_memory, on_disk


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

    async def open(
        self, upload: str, offset: int, algorithm: str, place: str = "", *, new: bool = False
    ) -> StageWriter:
        """See ports.blobs.BlobStage."""
        if self.is_cut:
            raise Unavailable("the store cannot be reached")
        return await self._stage.open(upload, offset, algorithm, place, new=new)

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


class Counted:
    """The rows of sessions, and which steps they take."""

    def __init__(self, rows: Uploads) -> None:
        self._rows = rows
        self.steps: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name != "get":
            self.steps.append(name)
        return getattr(self._rows, name)


@pytest.mark.parametrize(
    ("size", "said", "steps"),
    [
        (uploads.FIRST, True, ["take"]),
        (uploads.FIRST + 1, True, ["claim", "advance"]),
        (5, False, ["claim", "advance"]),
    ],
    ids=["small", "large", "of a length that nobody said"],
)
async def test_a_small_first_chunk_takes_one_step(size: int, said: bool, steps: list[str]) -> None:
    stores = in_memory(HandClock()).stores
    counted = Counted(stores.catalog.uploads)
    catalog = msgspec.structs.replace(stores.catalog, uploads=counted)
    registry = Registry(stores._replace(catalog=catalog), HandClock())
    piece, more = blob("first", size), blob("more", 3)
    upload = await registry.uploads.start(APP, ALICE)
    chunk = body(piece.content) if said else Body(body(piece.content).pieces)
    assert (await registry.uploads.append(APP, upload.id, chunk, ALICE)).offset == size
    assert counted.steps == ["start", *steps]
    await registry.uploads.append(APP, upload.id, body(more.content), ALICE)
    assert counted.steps[-2:] == ["claim", "advance"]
    whole = digest_of(piece.content + more.content)
    await registry.uploads.finish(APP, upload.id, whole, body(), ALICE)


@pytest.mark.parametrize("size", [5, uploads.FIRST + 1], ids=["in one step", "claimed"])
async def test_a_session_lives_from_its_last_chunk_on(size: int) -> None:
    """But for a sixtieth of its life, which is not worth a change."""
    clock = HandClock()
    registry = Registry(in_memory(clock).stores, clock)
    piece = blob("chunk", size).content
    at_once, later = [await registry.uploads.start(APP, ALICE) for _ in range(2)]
    life = at_once.expires_at - at_once.started_at
    assert (await registry.uploads.append(APP, at_once.id, body(piece), ALICE)).expires_at == at_once.expires_at
    clock.at += life // uploads.WORTHWHILE
    assert (await registry.uploads.append(APP, later.id, body(piece), ALICE)).expires_at == clock.at + life
    assert (await registry.uploads.append(APP, at_once.id, body(piece), ALICE)).expires_at == clock.at + life


async def test_what_a_first_chunk_that_breaks_off_brought_is_kept() -> None:
    registry = Registry(in_memory(HandClock()).stores, HandClock())
    upload = await registry.uploads.start(APP, ALICE)

    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise BodyInterrupted("the client went away")

    with pytest.raises(BodyInterrupted):
        await registry.uploads.append(APP, upload.id, Body(broken(), length=8), ALICE)
    assert (await registry.uploads.status(APP, upload.id, ALICE)).offset == 4
    assert (await registry.uploads.append(APP, upload.id, body(b"more"), ALICE)).offset == 8
    await registry.uploads.finish(APP, upload.id, digest_of(b"halfmore"), body(), ALICE)


async def test_a_first_chunk_yields_to_who_claims_the_session_meanwhile() -> None:
    clock = HandClock()
    registry = Registry(in_memory(clock).stores, clock)
    rows = registry.stores.catalog.uploads
    upload = await registry.uploads.start(APP, ALICE)

    async def overtaken() -> AsyncIterator[bytes]:
        yield b"some"
        held = await rows.claim(APP, upload.id, now=clock.at, lease_until=clock.at + 5_000_000)
        await rows.advance(held, offset=0, digest=None, place="", lease_until=0, expires_at=upload.expires_at)

    with pytest.raises(TooManyRequests):
        await registry.uploads.append(APP, upload.id, Body(overtaken(), length=4), ALICE)
    assert (await registry.uploads.status(APP, upload.id, ALICE)).offset == 0
    # What is on the stage is nobody's: whoever comes next claims the session and writes over it.
    assert (await registry.uploads.append(APP, upload.id, body(b"other"), ALICE)).offset == 5
    await registry.uploads.finish(APP, upload.id, digest_of(b"other"), body(), ALICE)


async def test_a_session_whose_first_chunk_died_with_its_process_is_written_all_the_same(tmp_path: Path) -> None:
    async with _on_files(tmp_path) as registry:
        upload = await registry.uploads.start(APP, ALICE)
        dead = await registry.stores.stage.open(upload.id, 0, "sha256", new=True)
        await dead.write(b"what nobody knows of")
        await dead.checkpoint()
        await dead.close()
        assert (await registry.uploads.append(APP, upload.id, body(b"again"), ALICE)).offset == 5
        await registry.uploads.finish(APP, upload.id, digest_of(b"again"), body(), ALICE)


async def _late(content: bytes, pauses: int) -> AsyncIterator[bytes]:
    for _ in range(pauses):
        await asyncio.sleep(0.0003)
    yield content


async def test_of_first_chunks_that_come_at_once_through_several_processes_one_counts(tmp_path: Path) -> None:
    """The folder has room for one stage of a session, so none may write where another's bytes were taken."""
    outcomes = set()
    async with _on_files(tmp_path) as registry:
        others = [Registry(on_disk(tmp_path / "data"), HandClock()) for _ in range(2)]
        for number in range(30):
            upload = await registry.uploads.start(APP, ALICE)
            chunks = [blob(f"chunk {number} {each}", 5_000) for each in range(3)]

            late = [Body(_late(piece.content, number * place % 7), 5_000) for place, piece in enumerate(chunks)]
            ended = await asyncio.gather(
                *(
                    each.uploads.append(APP, upload.id, chunk, ALICE)
                    for each, chunk in zip((registry, *others), late, strict=True)
                ),
                return_exceptions=True,
            )
            outcomes.add(tuple(type(each).__name__ for each in ended))
            now = await registry.uploads.status(APP, upload.id, ALICE)
            taken = [piece for piece, each in zip(chunks, ended, strict=True) if isinstance(each, Upload)]
            assert {type(each) for each in ended} <= {Upload, TooManyRequests}
            # One after the other is fine: then the second went on where the first had stopped.
            assert now.offset == 5_000 * len(taken)
            if len(taken) == 1:
                await registry.uploads.finish(APP, upload.id, taken[0].digest, body(), ALICE)
            else:
                await registry.uploads.cancel(APP, upload.id, ALICE)
        for other in others:
            await other.stores.close()
    assert len(outcomes) > 1, "they never met"
