"""Uploads whose session ends while a request still writes to it, or whose store goes away."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orlop.domain.access import Caller, Subject
from orlop.domain.blob import Blob
from orlop.domain.digest import digest_of
from orlop.domain.errors import (
    BlobUploadUnknown,
    BodyInterrupted,
    DigestInvalid,
    RegistryError,
    TooManyRequests,
    Unavailable,
)
from orlop.domain.upload import Ticket, Upload
from orlop.ports.blobs import BlobStage, Staged, StageWriter
from orlop.ports.catalog import Uploads
from orlop.services.content import claims, uploads
from orlop.services.content.uploads import Body
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
    ticket = await registry.uploads.start(APP, ALICE)
    upload = ""

    async def taken_over() -> AsyncIterator[bytes]:
        nonlocal upload
        yield b"before"
        upload = (await registry.uploads.status(APP, ticket.id, ALICE)).id
        until = clock.at + 2 * 60_000_000
        clock.at = until - 1  # the lease is over, the session is not
        await registry.stores.catalog.uploads.claim(APP, upload, now=clock.at, lease_until=until)
        yield b"after"

    with pytest.raises(BlobUploadUnknown):
        await registry.uploads.append(APP, ticket.id, Body(taken_over()), ALICE)
    assert await _stages(registry) == [upload]


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
    ticket = await registry.uploads.start(APP, ALICE)
    return (await registry.uploads.append(APP, ticket.id, body(content), ALICE)).id


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
        if name not in ("get", "begun"):
            self.steps.append(name)
        return getattr(self._rows, name)


def _counted(clock: HandClock) -> tuple[Registry, list[str]]:
    """A registry, and the steps that its sessions take from now on."""
    stores = in_memory(clock).stores
    counted = Counted(stores.catalog.uploads)
    catalog = msgspec.structs.replace(stores.catalog, uploads=counted)
    return Registry(stores._replace(catalog=catalog), clock), counted.steps


@pytest.mark.parametrize(
    ("size", "said", "steps"),
    [
        (uploads.WHOLE, True, ["start"]),
        (uploads.WHOLE + 1, True, ["start", "advance"]),
        (5, False, ["start", "advance"]),
    ],
    ids=["small", "large", "of a length that nobody said"],
)
async def test_a_session_begins_with_its_first_chunk(size: int, said: bool, steps: list[str]) -> None:
    registry, taken = _counted(HandClock())
    piece, more = blob("first", size), blob("more", 3)
    ticket = await registry.uploads.start(APP, ALICE)
    assert taken == []
    chunk = body(piece.content) if said else Body(body(piece.content).pieces)
    upload = await registry.uploads.append(APP, ticket.id, chunk, ALICE)
    assert (upload.offset, upload.ticket, taken) == (size, "", steps)
    assert upload.id != ticket.id
    assert await registry.uploads.status(APP, ticket.id, ALICE) == upload
    await registry.uploads.append(APP, upload.id, body(more.content), ALICE)
    assert taken == [*steps, "claim", "advance"]
    whole = digest_of(piece.content + more.content)
    await registry.uploads.finish(APP, upload.id, whole, body(), ALICE)
    assert taken == [*steps, "claim", "advance", "claim", "commit"]


async def test_small_first_chunks_that_would_fill_the_memory_take_the_way_of_large_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(uploads, "HELD", 10)
    registry, taken = _counted(HandClock())
    first, second, third = [(await registry.uploads.start(APP, ALICE)).id for _ in range(3)]

    async def meanwhile() -> AsyncIterator[bytes]:
        yield b"six"
        await registry.uploads.append(APP, second, body(b"more"), ALICE)
        assert taken == ["start"]
        await registry.uploads.append(APP, third, body(b"other"), ALICE)
        assert taken == ["start", "start", "advance"]
        yield b"six"

    await registry.uploads.append(APP, first, Body(meanwhile(), length=6), ALICE)
    assert taken == ["start", "start", "advance", "start"]


async def test_a_ticket_is_good_for_as_long_as_a_session() -> None:
    clock = HandClock()
    registry = Registry(in_memory(clock).stores, clock)
    ticket = await registry.uploads.start(APP, ALICE)
    clock.at = ticket.expires_at - 1
    assert await registry.uploads.status(APP, ticket.id, ALICE) == ticket
    clock.at = ticket.expires_at
    for request in (
        registry.uploads.status(APP, ticket.id, ALICE),
        registry.uploads.append(APP, ticket.id, body(b"late"), ALICE),
        registry.uploads.finish(APP, ticket.id, digest_of(b"late"), body(b"late"), ALICE),
        registry.uploads.cancel(APP, ticket.id, ALICE),
    ):
        with pytest.raises(BlobUploadUnknown):
            await request


async def test_who_makes_up_a_ticket_gets_no_more_than_with_a_new_one() -> None:
    """Its time is not believed: the count of somebody's sessions leaves out what is over at that time."""
    clock = HandClock()
    registry = Registry(in_memory(clock).stores, clock)
    late = Ticket("01234567-89ab-cdef-0123-456789abcdef", "sha256", clock.at + 1_000_000_000_000)
    upload = await registry.uploads.append(APP, late.text(), body(b"some"), ALICE)
    assert upload.started_at == clock.at
    assert upload.expires_at <= (await registry.uploads.start(APP, ALICE)).expires_at
    with pytest.raises(BlobUploadUnknown):
        await registry.uploads.status(APP, late.text(), Caller(Subject("bob")))


async def test_a_cancelled_ticket_is_over_until_that_is_forgotten() -> None:
    registry = Registry(in_memory(HandClock()).stores, HandClock())
    ticket = await registry.uploads.start(APP, ALICE)
    await registry.uploads.cancel(APP, ticket.id, ALICE)
    for _ in range(2):
        with pytest.raises(BlobUploadUnknown):
            await registry.uploads.status(APP, ticket.id, ALICE)
        with pytest.raises(BlobUploadUnknown):
            await registry.uploads.append(APP, ticket.id, body(b"some"), ALICE)
    assert await registry.collection.expire_uploads() == 1
    assert (await registry.stores.catalog.vitals.totals()).uploads == 0
    assert (await registry.uploads.status(APP, ticket.id, ALICE)).offset == 0


async def test_an_upload_may_keep_to_its_ticket_and_end_twice_by_its_id() -> None:
    registry = Registry(in_memory(HandClock()).stores, HandClock())
    ticket, piece = await registry.uploads.start(APP, ALICE), blob("once")
    await registry.uploads.append(APP, ticket.id, body(piece.content[:3]), ALICE)
    session = await registry.uploads.append(APP, ticket.id, body(piece.content[3:]), ALICE)
    for name, rest in ((ticket.id, b""), (session.id, b""), (ticket.id, piece.content)):
        ended = await registry.uploads.finish(APP, name, piece.digest, body(rest), ALICE)
        assert ended.key.digest == piece.digest
    assert (await registry.stores.catalog.vitals.totals()).uploads == 0
    with pytest.raises(DigestInvalid):
        await registry.uploads.finish(APP, ticket.id, piece.digest, body(), ALICE)


async def test_one_ticket_used_again_never_gives_a_copy_the_name_of_another() -> None:
    """A copy that is about to be deleted must not come back under its name."""
    registry = Registry(in_memory(HandClock()).stores, HandClock())
    ticket, copies = await registry.uploads.start(APP, ALICE), set()
    for number in range(3):
        piece = blob(f"again {number}")
        ended = await registry.uploads.finish(APP, ticket.id, piece.digest, body(piece.content), ALICE)
        copies.add(ended.key.copy)
    assert len(copies) == 3


async def test_a_store_that_is_full_leaves_the_session_at_its_beginning() -> None:
    clock = HandClock()
    stores = in_memory(clock).stores
    full = Full(stores.stage)
    registry = Registry(stores._replace(stage=full), clock)  # type: ignore[arg-type]
    ticket = await registry.uploads.start(APP, ALICE)
    with pytest.raises(Unavailable, match="full"):
        await registry.uploads.append(APP, ticket.id, body(b"some"), ALICE)
    assert (await registry.uploads.status(APP, ticket.id, ALICE)).offset == 0
    full.is_full = False
    assert (await registry.uploads.append(APP, ticket.id, body(b"some"), ALICE)).offset == 4
    await registry.uploads.finish(APP, ticket.id, digest_of(b"some"), body(), ALICE)


class Full:
    """A stage that takes nothing."""

    def __init__(self, stage: BlobStage) -> None:
        self._stage = stage
        self.is_full = True

    async def open(self, upload: str, offset: int, algorithm: str, place: str = "") -> StageWriter:
        """See ports.blobs.BlobStage."""
        writer = await self._stage.open(upload, offset, algorithm, place)
        if self.is_full:
            writer.checkpoint = self._refuse  # type: ignore[method-assign]
        return writer

    async def _refuse(self) -> Staged:
        raise Unavailable("the store is full")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stage, name)


@pytest.mark.parametrize("size", [5, uploads.WHOLE + 1], ids=["in one step", "claimed"])
async def test_a_session_lives_from_its_last_chunk_on(size: int) -> None:
    """But for a sixtieth of its life, which is not worth a change."""
    clock = HandClock()
    registry = Registry(in_memory(clock).stores, clock)
    piece = blob("chunk", size).content
    ticket = await registry.uploads.start(APP, ALICE)
    life = ticket.expires_at - ticket.started_at
    clock.at += life // 2
    upload = await registry.uploads.append(APP, ticket.id, body(piece), ALICE)
    assert upload.expires_at == clock.at + life
    clock.at += life // claims.WORTHWHILE - 1
    assert (await registry.uploads.append(APP, upload.id, body(piece), ALICE)).expires_at == upload.expires_at
    clock.at += 1
    assert (await registry.uploads.append(APP, upload.id, body(piece), ALICE)).expires_at == clock.at + life


async def _broken() -> AsyncIterator[bytes]:
    yield b"half"
    raise BodyInterrupted("the client went away")


@pytest.mark.parametrize(("length", "kept"), [(None, 4), (uploads.WHOLE + 1, 4), (8, 0)])
async def test_what_a_first_chunk_that_breaks_off_brought_is_kept_unless_it_is_small(
    length: int | None, kept: int
) -> None:
    registry = Registry(in_memory(HandClock()).stores, HandClock())
    ticket = await registry.uploads.start(APP, ALICE)
    with pytest.raises(BodyInterrupted):
        await registry.uploads.append(APP, ticket.id, Body(_broken(), length=length), ALICE)
    assert (await registry.uploads.status(APP, ticket.id, ALICE)).offset == kept
    rest = b"halfmore"[kept:]
    assert (await registry.uploads.append(APP, ticket.id, body(rest), ALICE)).offset == 8
    await registry.uploads.finish(APP, ticket.id, digest_of(b"halfmore"), body(), ALICE)


async def test_a_session_whose_first_chunk_died_with_its_process_is_not_believed(tmp_path: Path) -> None:
    """Its row was there first, and says what should be on the stage."""
    async with _on_files(tmp_path) as registry:
        ticket, piece = await registry.uploads.start(APP, ALICE), blob("not there")
        begun = Upload(
            id=str(uuid.uuid4()),
            repository=APP,
            created_by=ALICE.subject.name,
            algorithm="sha256",
            offset=len(piece.content),
            digest=piece.digest,
            fence=1,
            started_at=ticket.started_at,
            expires_at=ticket.expires_at,
        )
        await registry.stores.catalog.uploads.start(begun, ticket=ticket.id)
        for request in (
            registry.uploads.append(APP, ticket.id, body(b"more"), ALICE),
            registry.uploads.finish(APP, ticket.id, piece.digest, body(), ALICE),
            registry.uploads.finish(APP, begun.id, piece.digest, body(), ALICE),
        ):
            with pytest.raises(BlobUploadUnknown):
                await request
        assert await registry.stores.catalog.links.find(APP, piece.digest) is None


async def _late(content: bytes, pauses: int) -> AsyncIterator[bytes]:
    for _ in range(pauses):
        await asyncio.sleep(0.0003)
    yield content


async def test_of_first_chunks_that_come_at_once_through_several_processes_one_counts(tmp_path: Path) -> None:
    outcomes = set()
    async with _on_files(tmp_path) as registry:
        others = [Registry(on_disk(tmp_path / "data"), HandClock()) for _ in range(2)]
        for number in range(30):
            ticket = await registry.uploads.start(APP, ALICE)
            chunks = [blob(f"chunk {number} {each}", 5_000) for each in range(3)]

            late = [Body(_late(piece.content, number * (place + 1) % 7), 5_000) for place, piece in enumerate(chunks)]
            ended = await asyncio.gather(
                *(
                    each.uploads.append(APP, ticket.id, chunk, ALICE)
                    for each, chunk in zip((registry, *others), late, strict=True)
                ),
                return_exceptions=True,
            )
            outcomes.add(tuple(type(each).__name__ for each in ended))
            now = await registry.uploads.status(APP, ticket.id, ALICE)
            taken = [piece for piece, each in zip(chunks, ended, strict=True) if isinstance(each, Upload)]
            # One that finds the session begun, and nothing on its stage yet, begins anew.
            assert {type(each) for each in ended} <= {Upload, TooManyRequests, BlobUploadUnknown}
            # One after the other is fine: then the second went on where the first had stopped.
            assert now.offset == 5_000 * len(taken) > 0
            if len(taken) == 1:
                await registry.uploads.finish(APP, ticket.id, taken[0].digest, body(), ALICE)
            else:
                await registry.uploads.cancel(APP, ticket.id, ALICE)
        for other in others:
            await other.stores.close()
    assert len(outcomes) > 1, "they never met"
