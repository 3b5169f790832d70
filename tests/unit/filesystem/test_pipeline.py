"""A large body on its way into its stage: what happens beside what, how much at once, and what a failure comes to."""

import asyncio
import errno
import os
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orlop.adapters.filesystem import DataFolder, FilesystemBlobs
from orlop.adapters.filesystem.pipeline import AHEAD, FLUSH, FLUSHES, UNDER_WAY
from orlop.adapters.filesystem.stage import BUFFER
from orlop.adapters.filesystem.stage_file import StageFile
from orlop.domain.blob import Blob, BlobKey
from orlop.domain.digest import digest_of
from orlop.domain.errors import BlobUploadUnknown, Unavailable
from orlop.ports.blobs import StageWriter

#: Enough for several flushes, and not a whole number of parts.
CONTENT = random.Random(1).randbytes(5 * FLUSH + 12_345)


class Gate:
    """Stands before a function: calls wait until it opens."""

    def __init__(self, function: Callable[..., object]) -> None:
        self._function = function
        self.open = threading.Event()
        self.waiting = 0

    def __call__(self, *arguments: object) -> object:
        self.waiting += 1
        assert self.open.wait(60)
        return self._function(*arguments)


@pytest.fixture(name="flushing")
def _flushing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate = Gate(os.fdatasync)
    monkeypatch.setattr(os, "fdatasync", gate)
    yield gate
    gate.open.set()


def _bytes(folder: DataFolder) -> bytes:
    return Path(folder.stage("upload")).read_bytes()


async def _eventually(condition: Callable[[], bool]) -> None:
    for _ in range(3_000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to that")


async def _write(writer: StageWriter, content: bytes) -> None:
    for start in range(0, len(content), BUFFER):
        await writer.write(content[start : start + BUFFER])


async def test_a_part_is_hashed_while_it_is_written(store: FilesystemBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(2)
    write, update_hash = StageFile.write, StageFile.update_hash

    def meeting_write(self: StageFile, pieces: list[bytes]) -> None:
        if pieces:
            together.wait(60)
        write(self, pieces)

    def meeting_hash(self: StageFile, pieces: list[bytes]) -> object:
        if pieces:
            together.wait(60)
        return update_hash(self, pieces)

    monkeypatch.setattr(StageFile, "write", meeting_write)
    monkeypatch.setattr(StageFile, "update_hash", meeting_hash)
    content = CONTENT[: 4 * BUFFER]
    writer = await store.stage.open("upload", 0, "sha256")
    await _write(writer, content)
    assert await writer.checkpoint() == (len(content), digest_of(content), "")
    await writer.close()


async def test_only_so_many_parts_are_under_way(store: FilesystemBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(StageFile.write)
    monkeypatch.setattr(StageFile, "write", lambda *arguments: gate(*arguments))
    writers = [await store.stage.open(f"upload-{number}", 0, "sha256") for number in range(2)]
    writing = asyncio.create_task(_write(writers[0], CONTENT))
    await _eventually(lambda: store.stage.traffic.size == AHEAD * BUFFER)
    store.stage.traffic.size += UNDER_WAY  # as if many others were under way
    late = asyncio.create_task(_write(writers[1], CONTENT))
    await _eventually(lambda: store.stage.traffic.size > UNDER_WAY + AHEAD * BUFFER)
    await asyncio.sleep(0.05)
    assert store.stage.traffic.size == UNDER_WAY + (AHEAD + 1) * BUFFER
    assert not writing.done()
    assert not late.done()
    gate.open.set()
    await asyncio.gather(writing, late)
    for writer in writers:
        assert (await writer.checkpoint()).digest == digest_of(CONTENT)
        await writer.close()
    assert store.stage.traffic.size == UNDER_WAY


async def test_more_comes_while_the_disk_is_waited_for(
    store: FilesystemBlobs, folder: DataFolder, flushing: Gate
) -> None:
    writer = await store.stage.open("upload", 0, "sha256")
    await _write(writer, CONTENT)
    assert flushing.waiting == 1
    assert len(_bytes(folder)) > FLUSH + AHEAD * BUFFER
    flushing.open.set()
    assert await writer.checkpoint() == (len(CONTENT), digest_of(CONTENT), "")
    await writer.close()
    assert store.stage.traffic.size == store.stage.traffic.flushes == 0


async def test_progress_is_what_was_flushed_and_outlives_its_writer(
    store: FilesystemBlobs, other: FilesystemBlobs, folder: DataFolder, flushing: Gate
) -> None:
    writer = await store.stage.open("upload", 0, "sha256")
    await _write(writer, CONTENT)
    told = asyncio.create_task(writer.progress())
    await asyncio.sleep(0.05)
    assert not told.done()
    flushing.open.set()
    reached = await told
    assert FLUSH <= reached.offset < len(CONTENT) - AHEAD * BUFFER
    assert reached.digest == digest_of(CONTENT[: reached.offset])
    further = await writer.progress()
    assert reached.offset < further.offset <= len(CONTENT)
    assert further.digest == digest_of(CONTENT[: further.offset])
    await writer.close()
    assert _bytes(folder) == CONTENT[: further.offset]
    again = await other.stage.open("upload", further.offset, "sha256")
    await again.write(CONTENT[further.offset :])
    await again.checkpoint()
    await again.close()
    assert await other.stage.digest("upload", len(CONTENT), "sha256") == digest_of(CONTENT)


async def test_few_flushes_wait_at_once_and_who_has_none_gets_on(store: FilesystemBlobs, flushing: Gate) -> None:
    writers = [await store.stage.open(f"upload-{number}", 0, "sha256") for number in range(FLUSHES + 2)]
    for writer in writers:
        await _write(writer, CONTENT)
    assert flushing.waiting == store.stage.traffic.flushes == FLUSHES
    reached = await writers[-1].progress()
    assert reached == (len(CONTENT), digest_of(CONTENT), "")
    flushing.open.set()
    for writer in writers:
        assert (await writer.checkpoint()).digest == digest_of(CONTENT)
        await writer.close()


async def test_what_a_flush_is_told_counts_for_the_upload(
    store: FilesystemBlobs, folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel tells of a failure once for each open file: the fsync that follows would report success."""
    writer = await store.stage.open("upload", 0, "sha256")
    await writer.write(CONTENT[:BUFFER])
    kept = await writer.checkpoint()
    gate = Gate(_failing)
    monkeypatch.setattr(os, "fdatasync", gate)
    await _write(writer, CONTENT[BUFFER:])
    last = asyncio.create_task(writer.checkpoint())
    await asyncio.sleep(0.05)
    assert not last.done()
    gate.open.set()
    with pytest.raises(Unavailable, match="storing the upload failed: the disk fails"):
        await last
    for attempt in (writer.checkpoint, writer.progress):
        with pytest.raises(Unavailable, match="the disk fails"):
            await attempt()
    with pytest.raises(Unavailable, match="the disk fails"):
        await _write(writer, CONTENT)
    await writer.close()
    assert _bytes(folder) == CONTENT[: kept.offset]
    assert store.stage.traffic.size == store.stage.traffic.flushes == 0


def _failing(_: int) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


async def test_what_a_flush_is_told_counts_for_a_promotion_by_somebody_else(
    store: FilesystemBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer whose client stands still loses its session to somebody who ends it where it stood before."""
    writer = await store.stage.open("upload", 0, "sha256")
    await writer.write(b"kept")
    await writer.checkpoint()
    monkeypatch.setattr(os, "fdatasync", _failing)
    await _write(writer, CONTENT[: FLUSH + AHEAD * BUFFER])
    await _eventually(lambda: store.stage.traffic.flushes == 0)
    with pytest.raises(Unavailable, match="the disk fails"):
        await store.stage.promote("upload", Blob(BlobKey(digest_of(b"kept"), "c" * 32), 4))
    await writer.close()
    assert [copy async for copy in store.inventory.copies()] == []


async def test_no_flush_begins_once_the_upload_has_ended(
    store: FilesystemBlobs, flushing: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(StageFile.write)
    gate.open.set()
    monkeypatch.setattr(StageFile, "write", lambda *arguments: gate(*arguments))
    writer = await store.stage.open("upload", 0, "sha256")
    await writer.write(b"kept")
    await writer.checkpoint()
    await _write(writer, CONTENT[: FLUSH - BUFFER])
    await _eventually(lambda: store.stage.traffic.size == 0)
    gate.open.clear()
    late = asyncio.create_task(_write(writer, CONTENT[FLUSH - BUFFER :]))
    await _eventually(lambda: store.stage.traffic.size == AHEAD * BUFFER)
    blob = Blob(BlobKey(digest_of(b"kept"), "c" * 32), 4)
    ended = asyncio.gather(*(store.stage.promote("upload", blob) for _ in range(2)))
    await asyncio.sleep(0)
    gate.open.set()
    await ended
    with pytest.raises(BlobUploadUnknown):
        await late
    await writer.close()
    assert flushing.waiting == 0
    assert [copy.blob async for copy in store.inventory.copies()] == [blob]


async def test_a_file_is_closed_when_nothing_uses_it_any_more(
    store: FilesystemBlobs, folder: DataFolder, flushing: Gate
) -> None:
    before = len(os.listdir("/proc/self/fd"))
    writer = await store.stage.open("upload", 0, "sha256")
    await _write(writer, CONTENT)
    closing = asyncio.create_task(writer.close())
    await asyncio.sleep(0.05)
    closing.cancel()
    await asyncio.wait([closing])
    assert len(os.listdir("/proc/self/fd")) == before + 1
    flushing.open.set()
    await _eventually(lambda: len(os.listdir("/proc/self/fd")) == before)
    await (await store.stage.open("upload", 0, "sha256")).close()
    assert store.stage.traffic.size == 0
