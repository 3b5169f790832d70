"""What every blob store keeps to (ports.blobs): stages, copies, their removal, and the listing of both."""

import asyncio
import uuid
from typing import NamedTuple

import pytest

from orlop.domain.blob import Blob, BlobKey
from orlop.domain.digest import Digest, digest_of
from orlop.domain.errors import BlobUploadUnknown, ContentCorrupt, TooManyRequests
from orlop.domain.ranges import Span
from orlop.ports.blobs import PIECE, BlobInventory, BlobReader, BlobRemover, BlobStage, Staged
from tests.content import Piece, blob

#: The size of parts, in a store that has any, in bytes.
PART = 5 * 1024 * 1024
MIB = 1024 * 1024
BASE = blob("base")
UPLOAD, OTHER = str(uuid.UUID(int=0x1F << 96)), str(uuid.UUID(int=0x2E << 96))


class BlobStore(NamedTuple):
    """One empty store, in all of its roles."""

    stage: BlobStage
    reader: BlobReader
    remover: BlobRemover
    inventory: BlobInventory


def key(piece: Piece, upload: str = UPLOAD) -> BlobKey:
    """The copy that an upload of the piece becomes."""
    return BlobKey(piece.digest, upload.replace("-", ""))


async def staged(store: BlobStore, content: bytes, upload: str = UPLOAD, algorithm: str = "sha256") -> Staged:
    """Put a whole content on a stage."""
    writer = await store.stage.open(upload, 0, algorithm)
    await writer.write(content)
    reached = await writer.checkpoint()
    await writer.close()
    return reached


async def stored(store: BlobStore, piece: Piece, upload: str = UPLOAD) -> Blob:
    """Store a copy."""
    reached = await staged(store, piece.content, upload)
    copy = Blob(key(piece, upload), piece.size)
    await store.stage.promote(upload, copy, reached.place)
    return copy


def counted(reached: Staged) -> tuple[int, Digest | None]:
    """What a checkpoint says beside the place, which is the store's own affair."""
    return reached.offset, reached.digest


async def bytes_of(store: BlobStore, copy: Blob, span: Span | None = None) -> bytes:
    """Read a copy through its chunks."""
    content = await store.reader.open(copy)
    try:
        return b"".join([piece async for piece in content.chunks(span or Span(0, copy.size))])
    finally:
        content.close()


class StageKit:
    """Needs the fixture `store`: an empty one."""

    async def test_what_is_written_is_counted_and_hashed(self, store: BlobStore) -> None:
        writer = await store.stage.open(UPLOAD, 0, "sha256")
        assert writer.offset == 0
        await writer.write(b"one")
        await writer.write(b"")
        await writer.write(b"two")
        assert writer.offset == 6
        assert counted(await writer.checkpoint()) == (6, digest_of(b"onetwo"))
        await writer.write(b"three")
        assert counted(await writer.checkpoint()) == (11, digest_of(b"onetwothree"))
        await writer.close()

    async def test_progress_can_be_gone_on_from(self, store: BlobStore) -> None:
        content = bytes(range(256)) * (80 * 1024)
        writer = await store.stage.open(UPLOAD, 0, "sha256")
        reached, told = 0, 0
        for start in range(0, len(content), 700_001):
            await writer.write(content[start : start + 700_001])
            if writer.offset - reached > 9 * MIB:
                kept = await writer.progress()
                assert reached < kept.offset <= writer.offset
                assert kept.digest == digest_of(content[: kept.offset])
                reached, told = kept.offset, told + 1
        await writer.close()
        assert told == 2
        again = await store.stage.open(UPLOAD, reached, "sha256", kept.place)
        await again.write(content[reached:])
        last = await again.checkpoint()
        await again.close()
        assert await store.stage.digest(UPLOAD, len(content), "sha256", last.place) == digest_of(content)

    async def test_an_empty_stage_has_the_digest_of_nothing(self, store: BlobStore) -> None:
        writer = await store.stage.open(UPLOAD, 0, "sha256")
        assert counted(await writer.checkpoint()) == (0, digest_of(b""))
        await writer.close()

    async def test_the_digest_is_of_the_algorithm_that_was_asked_for(self, store: BlobStore) -> None:
        assert counted(await staged(store, b"one", algorithm="sha512")) == (3, digest_of(b"one", "sha512"))

    async def test_large_pieces_arrive_whole(self, store: BlobStore) -> None:
        content = bytes(range(256)) * (12 * 1024)
        writer = await store.stage.open(UPLOAD, 0, "sha256")
        for start in range(0, len(content), 700_001):
            await writer.write(content[start : start + 700_001])
        assert counted(await writer.checkpoint()) == (len(content), digest_of(content))
        await writer.close()

    async def test_the_next_writer_goes_on_where_the_last_one_stopped(self, store: BlobStore) -> None:
        first = await staged(store, b"one")
        writer = await store.stage.open(UPLOAD, 3, "sha256", first.place)
        assert writer.offset == 3
        await writer.write(b"two")
        reached = await writer.checkpoint()
        await writer.close()
        assert reached.offset == 6
        assert reached.digest in (None, digest_of(b"onetwo"))
        assert await store.stage.digest(UPLOAD, 6, "sha256", reached.place) == digest_of(b"onetwo")

    async def test_going_on_earlier_drops_what_lies_beyond(self, store: BlobStore) -> None:
        first = await staged(store, b"one, two, three")
        writer = await store.stage.open(UPLOAD, 3, "sha256", first.place)
        await writer.write(b"!")
        reached = await writer.checkpoint()
        await writer.close()
        assert reached.offset == 4
        assert reached.digest in (None, digest_of(b"one!"))
        assert await store.stage.digest(UPLOAD, 4, "sha256", reached.place) == digest_of(b"one!")
        with pytest.raises(BlobUploadUnknown):
            await store.stage.digest(UPLOAD, 5, "sha256", reached.place)

    async def test_beginning_again_drops_everything(self, store: BlobStore) -> None:
        await staged(store, b"one, two, three")
        reached = await staged(store, b"!")
        assert counted(reached) == (1, digest_of(b"!"))
        with pytest.raises(BlobUploadUnknown):
            await store.stage.digest(UPLOAD, 2, "sha256", reached.place)

    async def test_the_next_writer_may_want_another_algorithm(self, store: BlobStore) -> None:
        first = await staged(store, b"one")
        writer = await store.stage.open(UPLOAD, 3, "sha512", first.place)
        await writer.write(b"two")
        reached = await writer.checkpoint()
        assert reached.digest in (None, digest_of(b"onetwo", "sha512"))
        await writer.close()
        assert await store.stage.digest(UPLOAD, 6, "sha512", reached.place) == digest_of(b"onetwo", "sha512")

    async def test_a_stage_cannot_go_on_beyond_its_end(self, store: BlobStore) -> None:
        with pytest.raises(BlobUploadUnknown):
            await store.stage.open(UPLOAD, 1, "sha256")
        reached = await staged(store, b"one")
        with pytest.raises(BlobUploadUnknown):
            await store.stage.open(UPLOAD, 4, "sha256", reached.place)
        assert await store.stage.digest(UPLOAD, 3, "sha256", reached.place) == digest_of(b"one")

    async def test_one_writer_at_a_time(self, store: BlobStore) -> None:
        writer = await store.stage.open(UPLOAD, 0, "sha256")
        await writer.write(b"one")
        reached = await writer.checkpoint()
        for offset in (0, 3):
            with pytest.raises(TooManyRequests):
                await store.stage.open(UPLOAD, offset, "sha256", reached.place)
        other = await store.stage.open(OTHER, 0, "sha256")
        await other.close()
        await writer.close()
        await writer.close()
        again = await store.stage.open(UPLOAD, 3, "sha256", reached.place)
        await writer.close()
        with pytest.raises(TooManyRequests):
            await store.stage.open(UPLOAD, 3, "sha256", reached.place)
        await again.close()

    @pytest.mark.parametrize("size", [0, 1, PART - 1, PART, 2 * PART + 1])
    async def test_where_bytes_will_be_is_known_before_they_come(self, store: BlobStore, size: int) -> None:
        writer = await store.stage.open(UPLOAD, 0, "sha256")
        place = writer.place(size)
        await writer.write(b"x" * size)
        assert (await writer.checkpoint()).place == place
        place = writer.place(5)
        await writer.write(b"y" * 5)
        assert (await writer.checkpoint()).place == place
        await writer.close()
        assert await store.stage.digest(UPLOAD, size + 5, "sha256", place) == digest_of(b"x" * size + b"y" * 5)

    async def test_a_stage_that_nobody_wrote_to_is_none(self, store: BlobStore) -> None:
        writer = await store.stage.open(UPLOAD, 0, "sha256")
        writer.place(5)
        await writer.close()
        assert [stage async for stage in store.inventory.stages()] == []

    async def test_what_came_after_the_last_checkpoint_is_lost(self, store: BlobStore) -> None:
        writer = await store.stage.open(UPLOAD, 0, "sha256")
        await writer.write(b"one")
        reached = await writer.checkpoint()
        await writer.write(b"two")
        await writer.close()
        again = await store.stage.open(UPLOAD, 3, "sha256", reached.place)
        assert again.offset == 3
        await again.write(b"!")
        reached = await again.checkpoint()
        await again.close()
        assert await store.stage.digest(UPLOAD, 4, "sha256", reached.place) == digest_of(b"one!")

    async def test_a_writer_whose_task_is_cancelled_can_be_closed(self, store: BlobStore) -> None:
        writer = await store.stage.open(UPLOAD, 0, "sha256")

        async def write_on() -> None:
            for _ in range(1000):
                await writer.write(bytes(MIB))
                await asyncio.sleep(0)

        task = asyncio.create_task(write_on())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait({task})
        await writer.close()
        assert counted(await staged(store, b"one")) == (3, digest_of(b"one"))

    async def test_the_digest_of_a_stage_is_that_of_its_beginning(self, store: BlobStore) -> None:
        place = (await staged(store, b"one, two")).place
        assert await store.stage.digest(UPLOAD, 3, "sha256", place) == digest_of(b"one")
        assert await store.stage.digest(UPLOAD, 0, "sha256", place) == digest_of(b"")
        with pytest.raises(BlobUploadUnknown):
            await store.stage.digest(UPLOAD, 9, "sha256", place)
        with pytest.raises(BlobUploadUnknown):
            await store.stage.digest(OTHER, 0, "sha256")

    async def test_a_discarded_stage_is_gone(self, store: BlobStore) -> None:
        gone = await staged(store, b"one")
        kept = await staged(store, b"other", OTHER)
        await store.stage.discard(UPLOAD)
        await store.stage.discard(UPLOAD)
        with pytest.raises(BlobUploadUnknown):
            await store.stage.open(UPLOAD, 3, "sha256", gone.place)
        assert await store.stage.digest(OTHER, 5, "sha256", kept.place) == digest_of(b"other")
        assert counted(await staged(store, b"two")) == (3, digest_of(b"two"))

    async def test_a_stage_may_be_discarded_while_it_is_written(self, store: BlobStore) -> None:
        writer = await store.stage.open(UPLOAD, 0, "sha256")
        await writer.write(b"one")
        await store.stage.discard(UPLOAD)
        await writer.close()
        with pytest.raises(BlobUploadUnknown):
            await store.stage.digest(UPLOAD, 0, "sha256")
        assert [stage async for stage in store.inventory.stages()] == []


class PromoteKit:
    """Needs the fixture `store`: an empty one."""

    @pytest.mark.parametrize("piece", [BASE, blob("nothing", 0), blob("large", 3 * MIB + 1)], ids=lambda p: p.name)
    async def test_a_stage_becomes_a_copy_and_is_gone(self, store: BlobStore, piece: Piece) -> None:
        reached = await staged(store, piece.content)
        copy = Blob(key(piece), piece.size)
        await store.stage.promote(UPLOAD, copy, reached.place)
        assert await bytes_of(store, copy) == piece.content
        with pytest.raises(BlobUploadUnknown):
            await store.stage.digest(UPLOAD, 0, "sha256", reached.place)

    async def test_promoting_again_is_fine(self, store: BlobStore) -> None:
        reached = await staged(store, BASE.content)
        copy = Blob(key(BASE), BASE.size)
        await store.stage.promote(UPLOAD, copy, reached.place)
        await store.stage.promote(UPLOAD, copy, reached.place)
        assert await bytes_of(store, copy) == BASE.content

    async def test_without_stage_and_copy_there_is_nothing_to_promote(self, store: BlobStore) -> None:
        with pytest.raises(BlobUploadUnknown):
            await store.stage.promote(UPLOAD, Blob(key(BASE), BASE.size))
        await stored(store, BASE, OTHER)
        with pytest.raises(BlobUploadUnknown):
            await store.stage.promote(UPLOAD, Blob(key(BASE), BASE.size))

    async def test_a_stage_that_is_too_short_is_not_promoted(self, store: BlobStore) -> None:
        reached = await staged(store, BASE.content[:-1])
        with pytest.raises(BlobUploadUnknown):
            await store.stage.promote(UPLOAD, Blob(key(BASE), BASE.size), reached.place)
        assert [copy async for copy in store.inventory.copies()] == []

    async def test_a_content_may_have_several_copies(self, store: BlobStore) -> None:
        first, second = await stored(store, BASE), await stored(store, BASE, OTHER)
        await store.remover.remove(first.key)
        assert await bytes_of(store, second) == BASE.content
        with pytest.raises(ContentCorrupt):
            await store.reader.open(first)

    async def test_sha512_has_its_place(self, store: BlobStore) -> None:
        piece = Piece("strong", BASE.media_type, BASE.content, "sha512")
        reached = await staged(store, piece.content, algorithm="sha512")
        copy = Blob(key(piece), piece.size)
        await store.stage.promote(UPLOAD, copy, reached.place)
        assert await bytes_of(store, copy) == piece.content
        assert [found.blob async for found in store.inventory.copies()] == [copy]


class ReaderKit:
    """Needs the fixture `store`: an empty one."""

    async def test_a_copy_is_read_whole_or_in_part(self, store: BlobStore) -> None:
        copy = await stored(store, BASE)
        content = await store.reader.open(copy)
        assert content.size == BASE.size
        assert await content.read() == BASE.content
        assert await content.read() == BASE.content
        content.close()
        content.close()
        for span in (Span(0, 1), Span(3, 7), Span(BASE.size - 1, BASE.size), Span(0, BASE.size), Span(4, 4)):
            assert await bytes_of(store, copy, span) == BASE.content[span.start : span.stop]

    @pytest.mark.parametrize("most", [PIECE, MIB, 100_001])
    async def test_a_copy_comes_in_pieces_of_at_most_what_was_asked_for(self, store: BlobStore, most: int) -> None:
        piece = blob("large", 5 * MIB + 17)
        copy = await stored(store, piece)
        content = await store.reader.open(copy)
        for span in (Span(0, piece.size), Span(MIB - 1, 4 * MIB + 3)):
            pieces = [part async for part in content.chunks(span, most)]
            assert max(map(len, pieces)) <= most
            assert b"".join(pieces) == piece.content[span.start : span.stop]
        content.close()

    async def test_a_small_copy_may_be_wanted_in_pieces_too(self, store: BlobStore) -> None:
        content = await store.reader.open(await stored(store, BASE))
        assert [part async for part in content.chunks(Span(1, 8), 3)] == [
            BASE.content[1:4],
            BASE.content[4:7],
            BASE.content[7:8],
        ]
        content.close()

    async def test_reading_may_stop_anywhere(self, store: BlobStore) -> None:
        copy = await stored(store, blob("large", 3 * MIB))
        content = await store.reader.open(copy)
        chunks = content.chunks(Span(0, copy.size))
        await anext(chunks)
        content.close()
        assert await bytes_of(store, copy) == blob("large", 3 * MIB).content

    async def test_a_copy_that_is_open_stays_readable_although_it_is_removed(self, store: BlobStore) -> None:
        copy = await stored(store, BASE)
        content = await store.reader.open(copy)
        await store.remover.remove(copy.key)
        assert await content.read() == BASE.content
        assert b"".join([piece async for piece in content.chunks(Span(0, copy.size))]) == BASE.content
        content.close()

    async def test_a_copy_that_is_missing_or_of_another_size_is_corrupt(self, store: BlobStore) -> None:
        with pytest.raises(ContentCorrupt):
            await store.reader.open(Blob(key(BASE), BASE.size))
        copy = await stored(store, BASE)
        for size in (BASE.size - 1, BASE.size + 1, 0):
            with pytest.raises(ContentCorrupt):
                await store.reader.open(Blob(copy.key, size))
        with pytest.raises(ContentCorrupt):
            await store.reader.open(Blob(key(blob("other")), BASE.size))


class RemoverKit:
    """Needs the fixture `store`: an empty one."""

    async def test_a_removed_copy_is_gone_and_may_be_removed_again(self, store: BlobStore) -> None:
        copy = await stored(store, BASE)
        other = await stored(store, blob("other"), OTHER)
        await store.remover.remove(copy.key)
        await store.remover.remove(copy.key)
        with pytest.raises(ContentCorrupt):
            await store.reader.open(copy)
        assert await bytes_of(store, other) == blob("other").content
        assert [found.blob async for found in store.inventory.copies()] == [other]

    async def test_the_same_content_can_be_stored_again(self, store: BlobStore) -> None:
        copy = await stored(store, BASE)
        await store.remover.remove(copy.key)
        again = await stored(store, BASE, OTHER)
        assert await bytes_of(store, again) == BASE.content


class InventoryKit:
    """Needs the fixtures `store`, an empty one, and `now`: the time, as the store takes it, before the test began."""

    async def test_an_empty_store_is_empty(self, store: BlobStore) -> None:
        await store.inventory.check()
        assert [copy async for copy in store.inventory.copies()] == []
        assert [stage async for stage in store.inventory.stages()] == []

    async def test_everything_is_listed_with_its_time(self, store: BlobStore, now: int) -> None:
        pieces = [blob(f"piece {number}", number) for number in range(20)]
        copies = {await stored(store, piece, str(uuid.UUID(int=piece.size + 1))) for piece in pieces}
        copies.add(await stored(store, pieces[3], OTHER))
        await staged(store, b"one", UPLOAD)
        await staged(store, b"", OTHER)
        await store.inventory.check()
        found = [copy async for copy in store.inventory.copies()]
        assert len(found) == len(copies)
        assert {copy.blob for copy in found} == copies
        stages = [stage async for stage in store.inventory.stages()]
        assert sorted(stage.upload for stage in stages) == sorted([UPLOAD, OTHER])
        # File systems stamp with the time of the last tick of the kernel's clock.
        slack = 1_000_000
        times = [copy.modified_at for copy in found] + [stage.modified_at for stage in stages]
        assert now - slack <= min(times)
        assert max(times) <= now + 600 * slack
