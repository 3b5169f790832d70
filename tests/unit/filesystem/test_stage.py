"""Stages: what is durable, what is remembered, who may write, and what a lost writer cannot do."""

import asyncio
import os
import random
from pathlib import Path

import pytest

from orlop.adapters.filesystem import DataFolder, FilesystemBlobs
from orlop.adapters.filesystem.stage import BUFFER, HELD, REMEMBERED
from orlop.domain.blob import Blob, BlobKey
from orlop.domain.digest import digest_of
from orlop.domain.errors import BlobUploadUnknown, TooManyRequests, Unavailable

UPLOAD = "7d6b5f1e-0c0c-4a4a-9a9a-5f3d2c1b0a99"


def _blob(content: bytes, copy: str = "c" * 32) -> Blob:
    return Blob(BlobKey(digest_of(content), copy), len(content))


async def _stage(store: FilesystemBlobs, content: bytes, upload: str = UPLOAD, offset: int = 0) -> str | None:
    """Append to a stage and close it; the digest so far, if it is known."""
    writer = await store.stage.open(upload, offset, "sha256")
    try:
        await writer.write(content)
        staged = await writer.checkpoint()
        assert staged.offset == writer.offset == offset + len(content)
        return staged.digest
    finally:
        await writer.close()


def _bytes(path: str) -> bytes:
    return Path(path).read_bytes()


@pytest.mark.parametrize("size", [0, 1, 65536, BUFFER - 1, BUFFER, BUFFER + 1, 5 * BUFFER + 77])
@pytest.mark.parametrize("piece", [4093, 65536, 3 * BUFFER])
async def test_pieces_of_any_size_become_the_content(
    store: FilesystemBlobs, folder: DataFolder, size: int, piece: int
) -> None:
    content = random.Random(size).randbytes(size)
    writer = await store.stage.open(UPLOAD, 0, "sha256")
    for start in range(0, size, piece):
        await writer.write(content[start : start + piece])
    assert await writer.checkpoint() == (size, digest_of(content), "")
    await writer.close()
    assert _bytes(folder.stage(UPLOAD)) == content
    assert await store.stage.digest(UPLOAD, size, "sha512") == digest_of(content, "sha512")


async def test_the_hash_goes_on_through_the_same_process(store: FilesystemBlobs) -> None:
    assert await _stage(store, b"one ") == digest_of(b"one ")
    assert await _stage(store, b"two ", offset=4) == digest_of(b"one two ")
    assert await _stage(store, b"three", offset=8) == digest_of(b"one two three")


async def test_another_process_does_not_know_the_hash(store: FilesystemBlobs, other: FilesystemBlobs) -> None:
    await _stage(store, b"one ")
    assert await _stage(other, b"two ", offset=4) is None
    assert await other.stage.digest(UPLOAD, 8, "sha256") == digest_of(b"one two ")


@pytest.mark.parametrize("gap", [0.0, 0.02])
async def test_a_hash_of_bytes_that_another_process_replaced_is_forgotten(
    store: FilesystemBlobs, other: FilesystemBlobs, gap: float
) -> None:
    """Else a client could have content taken for another's: staged here, replaced there, finished here."""
    for round_ in range(20):
        upload = f"upload-{round_}"
        await _stage(store, b"head", upload)
        assert await _stage(store, b"mine", upload, 4) == digest_of(b"headmine")
        await asyncio.sleep(gap)
        assert await _stage(other, b"your", upload, 4) is None
        assert await _stage(store, b"tail", upload, 8) is None
        assert await store.stage.digest(upload, 12, "sha256") == digest_of(b"headyourtail")


async def test_another_algorithm_is_not_the_hash_remembered(store: FilesystemBlobs) -> None:
    await _stage(store, b"one ")
    writer = await store.stage.open(UPLOAD, 4, "sha512")
    assert await writer.checkpoint() == (4, None, "")
    await writer.close()


async def test_memories_are_bounded(store: FilesystemBlobs) -> None:
    for number in range(REMEMBERED + 3):
        store.stage._writers[str(number)] = None  # type: ignore[assignment]  # only its key is looked at
        store.stage.left(str(number), object())  # type: ignore[arg-type]
    assert len(store.stage._memories) == REMEMBERED


async def test_what_all_writers_hold_back_is_bounded(store: FilesystemBlobs) -> None:
    piece = b"x" * (BUFFER - 1)
    writers = [await store.stage.open(f"upload-{number}", 0, "sha256") for number in range(HELD // BUFFER + 8)]
    for writer in writers:
        await writer.write(piece)
        assert store.stage.held <= HELD + len(piece)
    for writer in writers:
        await writer.close()
    assert store.stage.held == 0


async def test_what_no_checkpoint_covered_is_lost(store: FilesystemBlobs, folder: DataFolder) -> None:
    writer = await store.stage.open(UPLOAD, 0, "sha256")
    await writer.write(b"kept")
    await writer.checkpoint()
    await writer.write(b"x" * (2 * BUFFER))
    await writer.close()
    await writer.close()
    assert _bytes(folder.stage(UPLOAD)) == b"kept"
    assert await _stage(store, b"!", offset=4) is None
    assert _bytes(folder.stage(UPLOAD)) == b"kept!"
    assert await store.stage.digest(UPLOAD, 5, "sha256") == digest_of(b"kept!")


async def test_beginning_again_at_0_drops_everything(store: FilesystemBlobs, other: FilesystemBlobs) -> None:
    await _stage(store, b"a long first try")
    assert await _stage(other, b"second") == digest_of(b"second")
    assert await store.stage.digest(UPLOAD, 6, "sha256") == digest_of(b"second")
    with pytest.raises(BlobUploadUnknown):
        await store.stage.digest(UPLOAD, 7, "sha256")


async def test_a_stage_that_is_too_short_or_missing_is_unknown(store: FilesystemBlobs) -> None:
    with pytest.raises(BlobUploadUnknown):
        await store.stage.open(UPLOAD, 1, "sha256")
    await _stage(store, b"four")
    with pytest.raises(BlobUploadUnknown):
        await store.stage.open(UPLOAD, 5, "sha256")
    assert await _stage(store, b"!", offset=4) is None
    with pytest.raises(BlobUploadUnknown):
        await store.stage.digest("nobody", 1, "sha256")


@pytest.mark.parametrize("upload", ["", ".", "..", "../blobs", "a/b", "a\0b", "x" * 65, "-x", ".check-1", "é"])
async def test_what_cannot_be_an_id_is_no_upload(store: FilesystemBlobs, upload: str) -> None:
    with pytest.raises(BlobUploadUnknown):
        await store.stage.open(upload, 0, "sha256")
    with pytest.raises(BlobUploadUnknown):
        await store.stage.discard(upload)


async def test_one_writer_at_a_time_in_a_process(store: FilesystemBlobs) -> None:
    writer = await store.stage.open(UPLOAD, 0, "sha256")
    with pytest.raises(TooManyRequests):
        await store.stage.open(UPLOAD, 0, "sha256")
    await writer.close()
    await (await store.stage.open(UPLOAD, 0, "sha256")).close()


async def test_one_writer_at_a_time_among_processes(store: FilesystemBlobs, other: FilesystemBlobs) -> None:
    writer = await store.stage.open(UPLOAD, 0, "sha256")
    await writer.write(b"mine")
    await writer.checkpoint()
    with pytest.raises(TooManyRequests):
        await other.stage.open(UPLOAD, 4, "sha256")
    late = await other.stage.open(UPLOAD, 0, "sha256")  # looks at the file no sooner than it has to write
    await late.write(b"theirs")
    with pytest.raises(TooManyRequests):
        await late.checkpoint()
    with pytest.raises(TooManyRequests):
        await other.stage.promote(UPLOAD, _blob(b"mine"))
    await late.close()
    await writer.write(b" too")
    assert await writer.checkpoint() == (8, digest_of(b"mine too"), "")
    await writer.close()
    await other.stage.promote(UPLOAD, _blob(b"mine too"))


async def test_a_lost_writer_cannot_touch_the_copy(store: FilesystemBlobs, other: FilesystemBlobs) -> None:
    """It waits, loses its lease, another takes the session to its end, and then it goes on as if nothing had been."""
    lost = await store.stage.open(UPLOAD, 0, "sha256")
    await lost.write(b"from before")
    await _stage(other, b"the content")
    await other.stage.promote(UPLOAD, _blob(b"the content"))
    await lost.checkpoint()
    await lost.close()
    content = await other.reader.open(_blob(b"the content"))
    assert await content.read() == b"the content"
    content.close()


async def test_promotion_ends_the_writer_of_its_own_process(store: FilesystemBlobs, folder: DataFolder) -> None:
    writer = await store.stage.open(UPLOAD, 0, "sha256")
    await writer.write(b"content")
    await writer.checkpoint()
    await writer.write(b"x" * BUFFER)  # under way while the promotion begins
    await store.stage.promote(UPLOAD, _blob(b"content"))
    with pytest.raises(BlobUploadUnknown):
        await writer.write(b"more")
    with pytest.raises(BlobUploadUnknown):
        await writer.checkpoint()
    await writer.close()
    content = await store.reader.open(_blob(b"content"))
    assert await content.read() == b"content"
    content.close()
    assert os.listdir(folder.uploads) == []


async def test_discarding_ends_the_writer_and_leaves_nothing(store: FilesystemBlobs, folder: DataFolder) -> None:
    writer = await store.stage.open(UPLOAD, 0, "sha256")
    await writer.write(b"x" * (2 * BUFFER))
    await store.stage.discard(UPLOAD)
    with pytest.raises(BlobUploadUnknown):
        await writer.checkpoint()
    await writer.close()
    await store.stage.discard(UPLOAD)
    assert os.listdir(folder.uploads) == []


async def test_a_writer_whose_caller_gave_up_leaves_no_descriptor(store: FilesystemBlobs, folder: DataFolder) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        task = asyncio.create_task(_stage(store, b"x" * (3 * BUFFER)))
        await asyncio.sleep(0.0005)
        task.cancel()
        await asyncio.wait([task])
    await _stage(store, b"fine")
    assert len(os.listdir("/proc/self/fd")) == before


async def test_a_store_that_lost_its_folder_is_unavailable(store: FilesystemBlobs, folder: DataFolder) -> None:
    os.rmdir(folder.uploads)
    writer = await store.stage.open(UPLOAD, 0, "sha256")
    await writer.write(b"x")
    for _ in range(2):
        with pytest.raises(Unavailable, match="opening the upload failed: no such file or directory") as failed:
            await writer.checkpoint()
        assert failed.value.__cause__ is not None
    await writer.close()
