"""Stages: what is durable, what is remembered, who may write, and what a lost writer cannot do."""

import asyncio
import os
import random
from pathlib import Path
from types import SimpleNamespace

import pytest

from orlop.adapters.filesystem import DataFolder, FilesystemBlobs
from orlop.adapters.filesystem.stage import BUFFER, HELD, REMEMBERED
from orlop.adapters.filesystem.stage_file import SMALL
from orlop.domain.blob import Blob, BlobKey
from orlop.domain.digest import digest_of
from orlop.domain.errors import BlobUploadUnknown, TooManyRequests, Unavailable

UPLOAD = "7d6b5f1e-0c0c-4a4a-9a9a-5f3d2c1b0a99"
#: The least that nobody reads again in passing.
LARGE = b"x" * (SMALL + 1)


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


def _put(path: str, content: bytes) -> None:
    Path(path).write_bytes(content)


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


@pytest.mark.parametrize("head", [b"one ", LARGE], ids=["small", "large"])
async def test_the_hash_goes_on_through_the_same_process(store: FilesystemBlobs, head: bytes) -> None:
    assert await _stage(store, head) == digest_of(head)
    assert await _stage(store, b"two ", offset=len(head)) == digest_of(head + b"two ")
    assert await _stage(store, b"three", offset=len(head) + 4) == digest_of(head + b"two three")


async def test_another_process_does_not_know_the_hash(store: FilesystemBlobs, other: FilesystemBlobs) -> None:
    await _stage(store, LARGE)
    assert await _stage(other, b"two ", offset=len(LARGE)) is None
    assert await other.stage.digest(UPLOAD, len(LARGE) + 4, "sha256") == digest_of(LARGE + b"two ")


@pytest.mark.parametrize("size", [1, SMALL])
async def test_another_process_reads_what_is_small_again(
    store: FilesystemBlobs, other: FilesystemBlobs, size: int
) -> None:
    head = LARGE[:size]
    await _stage(store, head)
    assert await _stage(other, b"two ", offset=size) == digest_of(head + b"two ")


async def test_what_is_small_is_not_trusted_to_be_there(store: FilesystemBlobs, folder: DataFolder) -> None:
    """A power cut may have left a session's row, and zeros for its bytes: a digest of what came would not tell."""
    await _stage(store, b"one ")
    _put(folder.stage(UPLOAD), bytes(4))
    assert await _stage(store, b"two ", offset=4) == digest_of(bytes(4) + b"two ")
    with pytest.raises(BlobUploadUnknown):
        await store.stage.promote(UPLOAD, _blob(b"one two "))
    assert [copy async for copy in store.inventory.copies()] == []


async def test_nor_is_it_when_a_writer_is_still_there(store: FilesystemBlobs, folder: DataFolder) -> None:
    await _stage(store, b"one ")
    _put(folder.stage(UPLOAD), bytes(4))
    writer = await store.stage.open(UPLOAD, 4, "sha256")
    with pytest.raises(BlobUploadUnknown):
        await store.stage.promote(UPLOAD, _blob(b"one "))
    await writer.close()
    assert [copy async for copy in store.inventory.copies()] == []


async def test_only_what_is_large_waits_for_the_disk_before_it_is_promoted(
    store: FilesystemBlobs, folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    small, large = _blob(LARGE[1:], "a" * 32), _blob(LARGE, "b" * 32)
    await _stage(store, LARGE[1:], "small")
    assert synced == []
    await _stage(store, LARGE, "large")
    assert synced == [folder.stage("large")]
    await store.stage.promote("small", small)
    await store.stage.promote("large", large)
    names = [folder.prefix(blob.key.digest) for blob in (small, large)]
    assert synced[1:] == [folder.copy(small.key), *names]


@pytest.mark.parametrize("gap", [0.0, 0.02])
async def test_a_hash_of_bytes_that_another_process_replaced_is_forgotten(
    store: FilesystemBlobs, other: FilesystemBlobs, gap: float
) -> None:
    """Else a client could have content taken for another's: staged here, replaced there, finished here."""
    head = len(LARGE)
    for round_ in range(20):
        upload = f"upload-{round_}"
        await _stage(store, LARGE, upload)
        assert await _stage(store, b"mine", upload, head) == digest_of(LARGE + b"mine")
        await asyncio.sleep(gap)
        assert await _stage(other, b"your", upload, head) is None
        assert await _stage(store, b"tail", upload, head + 4) is None
        assert await store.stage.digest(upload, head + 8, "sha256") == digest_of(LARGE + b"yourtail")


async def test_another_algorithm_is_not_the_hash_remembered(store: FilesystemBlobs) -> None:
    await _stage(store, LARGE)
    writer = await store.stage.open(UPLOAD, len(LARGE), "sha512")
    assert await writer.checkpoint() == (len(LARGE), None, "")
    await writer.close()


async def test_memories_are_bounded(store: FilesystemBlobs) -> None:
    for number in range(REMEMBERED + 3):
        store.stage._writers[str(number)] = None  # type: ignore[assignment]  # only its key is looked at
        store.stage.left(str(number), SimpleNamespace(is_lasting=True))  # type: ignore[arg-type]
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
    assert await _stage(store, b"!", offset=4) == digest_of(b"kept!")
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
    assert await _stage(store, b"!", offset=4) == digest_of(b"four!")
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
