"""Copies: promotion, reading, removal and listing, also all at once."""

import asyncio
import errno
import os
import random
import stat
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from orlop.adapters.filesystem import DataFolder, FilesystemBlobs, promotion
from orlop.adapters.filesystem import reader as reading
from orlop.adapters.filesystem.reader import FilesystemContent, FilesystemReader
from orlop.adapters.filesystem.threads import DiskThreads
from orlop.domain.blob import Blob, BlobKey
from orlop.domain.digest import digest_of
from orlop.domain.errors import BlobUploadUnknown, ContentCorrupt, Unavailable
from orlop.domain.ranges import Span
from orlop.ports.blobs import PIECE


def _blob(content: bytes, copy: str = "c" * 32) -> Blob:
    return Blob(BlobKey(digest_of(content), copy), len(content))


async def _push(store: FilesystemBlobs, content: bytes, copy: str = "c" * 32) -> Blob:
    writer = await store.stage.open(copy, 0, "sha256")
    await writer.write(content)
    await writer.checkpoint()
    await writer.close()
    blob = _blob(content, copy)
    await store.stage.promote(copy, blob)
    return blob


def _bytes(path: str) -> bytes:
    return Path(path).read_bytes()


def _put(path: str, content: bytes = b"") -> None:
    Path(path).write_bytes(content)


async def _everything(opened: FilesystemContent, after_each: Callable[[], None]) -> None:
    async for _ in opened.chunks(Span(0, opened.size)):
        after_each()


async def test_a_copy_lies_where_the_tree_says(store: FilesystemBlobs, folder: DataFolder) -> None:
    blob = await _push(store, b"content")
    digits = blob.key.digest.hex
    above = f"{folder.root}/blobs/sha256/{digits[:2]}"
    copy = f"{above}/{digits}.{'c' * 32}"
    assert _bytes(copy) == b"content"
    assert stat.S_IMODE(os.stat(copy).st_mode) & ~0o640 == 0
    assert stat.S_IMODE(os.stat(above).st_mode) & ~0o750 == 0


async def test_a_promotion_may_be_repeated(store: FilesystemBlobs, other: FilesystemBlobs) -> None:
    blob = await _push(store, b"content")
    await store.stage.promote(blob.key.copy, blob)
    await other.stage.promote(blob.key.copy, blob)
    with pytest.raises(BlobUploadUnknown):
        await store.stage.promote(blob.key.copy, _blob(b"something else"))
    with pytest.raises(BlobUploadUnknown):
        await store.stage.promote(blob.key.copy, Blob(blob.key, blob.size + 1))


async def test_a_stage_that_is_too_short_is_not_promoted(store: FilesystemBlobs) -> None:
    writer = await store.stage.open("short", 0, "sha256")
    await writer.write(b"12345")
    await writer.checkpoint()
    await writer.close()
    with pytest.raises(BlobUploadUnknown):
        await store.stage.promote("short", _blob(b"123456"))
    await store.stage.promote("short", _blob(b"12345"))


async def test_bytes_beyond_those_acknowledged_are_dropped(store: FilesystemBlobs, folder: DataFolder) -> None:
    _put(folder.stage("long"), b"12345 and what a lost writer left")
    await store.stage.promote("long", _blob(b"12345"))
    content = await store.reader.open(_blob(b"12345"))
    assert await content.read() == b"12345"
    content.close()


@pytest.mark.parametrize("lost", ["stage", "copy"])
async def test_zeros_that_a_power_cut_left_are_not_promoted(
    store: FilesystemBlobs, folder: DataFolder, lost: str
) -> None:
    """They have the right size, and a session that outlived it says the right digest."""
    blob = _blob(b"12345")
    if lost == "copy":
        await _push(store, b"12345")
    _put(folder.stage("upload") if lost == "stage" else folder.copy(blob.key), bytes(5))
    with pytest.raises(BlobUploadUnknown):
        await store.stage.promote("upload", blob)
    assert [copy.blob async for copy in store.inventory.copies()] == ([blob] if lost == "copy" else [])


@pytest.mark.parametrize("way", ["staged before", "written now"])
async def test_small_bytes_that_cannot_be_made_durable_are_taken_back(
    store: FilesystemBlobs, folder: DataFolder, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    writer = await store.stage.open("c" * 32, 0, "sha256")
    await writer.write(b"content")
    await writer.checkpoint()
    if way == "staged before":
        await writer.close()
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(Unavailable, match="storing the blob failed: the disk fails"):
            await store.stage.promote("c" * 32, _blob(b"content"))
    await writer.close()
    with pytest.raises(BlobUploadUnknown):
        await store.stage.promote("c" * 32, _blob(b"content"))
    await _push(store, b"content")


async def test_a_folder_that_was_tidied_away_is_made_again(store: FilesystemBlobs, folder: DataFolder) -> None:
    os.rmdir(folder.prefix(digest_of(b"content")))
    blob = await _push(store, b"content")
    (await store.reader.open(blob)).close()


async def test_a_name_that_cannot_be_made_durable_is_taken_back(
    store: FilesystemBlobs, folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """fsync reports an error once, so a repetition would wrongly succeed if it found the copy."""

    def fail(path: str) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(promotion, "sync_folder", fail)
        with pytest.raises(Unavailable, match="storing the blob failed: the disk fails") as failed:
            await _push(store, b"content")
        assert isinstance(failed.value.__cause__, OSError)
    with pytest.raises(BlobUploadUnknown):
        await store.stage.promote("c" * 32, _blob(b"content"))
    await _push(store, b"content")


async def test_reading(store: FilesystemBlobs) -> None:
    content = random.Random(1).randbytes(3 * PIECE + 5)
    opened = await store.reader.open(await _push(store, content))
    assert opened.size == len(content)
    assert await opened.read() == content
    for span in (
        Span(0, len(content)),
        Span(0, 1),
        Span(PIECE - 1, 2 * PIECE + 1),
        Span(len(content) - 1, len(content)),
    ):
        pieces = [piece async for piece in opened.chunks(span)]
        assert b"".join(pieces) == content[span.start : span.stop]
        assert max(map(len, pieces)) <= PIECE
    async for _ in opened.chunks(Span(0, len(content))):
        break
    assert [piece async for piece in opened.chunks(Span(7, 9))] == [content[7:9]]
    opened.close()
    opened.close()


class Waiting(DiskThreads):
    """Threads that count what they were given to do."""

    given = 0

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        self.given += 1
        return super().call(function, *arguments)


@pytest.mark.parametrize("knows", [True, False])
async def test_only_what_lies_on_the_disk_is_waited_for_in_a_thread(
    store: FilesystemBlobs, folder: DataFolder, monkeypatch: pytest.MonkeyPatch, knows: bool
) -> None:
    blob = await _push(store, random.Random(2).randbytes(4 * PIECE))
    if not knows:
        monkeypatch.setattr(reading, "_NO_WAIT", 0)
    with closing(Waiting(1)) as threads:
        opened = await FilesystemReader(folder, threads).open(blob)
        before = b"".join([piece async for piece in opened.chunks(Span(0, blob.size))])
        told = knows and _tells_what_waits(folder.copy(blob.key))
        assert threads.given == (0 if told else 4), "what was just written lies in memory"
        _forget(folder.copy(blob.key))
        after = b"".join([piece async for piece in opened.chunks(Span(0, blob.size))])
        opened.close()
    assert digest_of(before) == digest_of(after) == blob.key.digest
    if not _is_kept_in_memory(folder):
        assert threads.given > 0


async def test_a_file_is_not_closed_while_any_thread_reads_it(
    store: FilesystemBlobs, folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two clients read the same open copy, and both are gone before the disk has answered."""
    monkeypatch.setattr(reading, "_NO_WAIT", 0)
    blob = await _push(store, b"content")
    answered = threading.Event()
    before = FilesystemContent._wait_for

    def waiting(content: FilesystemContent, start: int, length: int) -> bytes:
        answered.wait(60)
        return before(content, start, length)

    monkeypatch.setattr(FilesystemContent, "_wait_for", waiting)
    with closing(Waiting(2)) as threads:
        opened = await FilesystemReader(folder, threads).open(blob)
        readers = [asyncio.ensure_future(anext(opened.chunks(Span(0, 7)))) for _ in range(2)]
        for _ in range(100):
            await asyncio.sleep(0)
        assert threads.given == 2
        for reader in readers:
            reader.cancel()
        await asyncio.wait(readers)
        descriptor = opened._descriptor
        opened.close()
        assert os.readlink(f"/proc/self/fd/{descriptor}") == folder.copy(blob.key)
        answered.set()
        for _ in range(1000):
            if opened._descriptor < 0:
                break
            await asyncio.sleep(0.01)
        assert opened._descriptor < 0


def _forget(path: str) -> None:
    """Have the system drop from memory what it has of a file, so that it has to read it again."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def _tells_what_waits(file: Path) -> bool:
    """Whether its file system says what it would have to wait for, which tmpfs does not on every kernel."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.preadv(descriptor, [bytearray(1)], 0, os.RWF_NOWAIT)
    except OSError as error:
        return error.errno != errno.EOPNOTSUPP
    finally:
        os.close(descriptor)
    return True


def _is_kept_in_memory(folder: DataFolder) -> bool:
    """Whether the file system has no disk, as tmpfs."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    above = [(mount[1], mount[2]) for mount in mounts if f"{folder.root}/".startswith(f"{mount[1].rstrip('/')}/")]
    return max(above, default=("", ""))[1] in {"tmpfs", "ramfs"}


async def test_a_copy_of_another_algorithm(store: FilesystemBlobs) -> None:
    blob = Blob(BlobKey(digest_of(b"content", "sha512"), "c" * 32), 7)
    writer = await store.stage.open("upload", 0, "sha512")
    await writer.write(b"content")
    assert await writer.checkpoint() == (7, blob.key.digest, "")
    await writer.close()
    await store.stage.promote("upload", blob)
    (await store.reader.open(blob)).close()
    assert [copy.blob async for copy in store.inventory.copies()] == [blob]


async def test_an_empty_copy(store: FilesystemBlobs) -> None:
    opened = await store.reader.open(await _push(store, b""))
    assert await opened.read() == b""
    opened.close()


async def test_what_was_opened_outlives_its_removal(store: FilesystemBlobs, folder: DataFolder) -> None:
    blob = await _push(store, b"content")
    opened = await store.reader.open(blob)
    await store.remover.remove(blob.key)
    assert await opened.read() == b"content"
    opened.close()
    assert os.listdir(folder.prefix(blob.key.digest)) == []
    with pytest.raises(ContentCorrupt, match="are missing"):
        await store.reader.open(blob)


@pytest.mark.parametrize("size", [0, 6, 8])
async def test_another_size_is_corrupt(store: FilesystemBlobs, folder: DataFolder, size: int) -> None:
    blob = await _push(store, b"content")
    os.truncate(folder.copy(blob.key), size)
    with pytest.raises(ContentCorrupt, match=f"{size} bytes are stored of {blob.key.digest}, which has 7"):
        await store.reader.open(blob)


async def test_a_copy_that_shrinks_while_it_is_read_is_corrupt(store: FilesystemBlobs, folder: DataFolder) -> None:
    blob = await _push(store, b"x" * (4 * PIECE))
    opened = await store.reader.open(blob)
    with pytest.raises(ContentCorrupt, match="end too early"):
        await _everything(opened, lambda: os.truncate(folder.copy(blob.key), 3 * PIECE))
    with pytest.raises(ContentCorrupt):
        await opened.read()
    opened.close()


async def test_a_link_in_the_place_of_a_copy_is_not_followed(store: FilesystemBlobs, folder: DataFolder) -> None:
    blob = await _push(store, b"content")
    secret = f"{folder.root}/orlop.json"
    os.unlink(folder.copy(blob.key))
    os.symlink(secret, folder.copy(blob.key))
    with pytest.raises(Unavailable):
        await store.reader.open(Blob(blob.key, os.stat(secret).st_size))
    assert [copy async for copy in store.inventory.copies()] == []


@pytest.mark.parametrize("copy", ["", "..", "../../../../orlop.json", "C" * 32, "c" * 31])
async def test_no_key_leads_out_of_the_tree(store: FilesystemBlobs, copy: str) -> None:
    with pytest.raises(ValueError):
        await store.reader.open(_blob(b"content", copy))


async def test_removal_takes_one_copy(store: FilesystemBlobs, folder: DataFolder) -> None:
    first, second = await _push(store, b"content", "a" * 32), await _push(store, b"content", "b" * 32)
    await store.remover.remove(first.key)
    (await store.reader.open(second)).close()
    await store.remover.remove(first.key)
    assert os.listdir(folder.prefix(first.key.digest)) == [os.path.basename(folder.copy(second.key))]
    await store.remover.remove(second.key)
    await store.remover.remove(second.key)
    assert os.listdir(folder.prefix(first.key.digest)) == []


def test_copies_of_one_content_come_and_go_beside_each_other(folder: DataFolder) -> None:
    blobs = [_blob(b"content", f"{number:032x}") for number in range(100)]
    promoted: list[Blob] = []
    ended = threading.Event()

    def remove() -> None:
        while not ended.is_set() or promoted:
            if promoted:
                promotion.remove(folder, promoted.pop().key)

    remover = threading.Thread(target=remove)
    remover.start()
    try:
        for blob in blobs:
            Path(folder.stage(blob.key.copy)).write_bytes(b"content")
            promotion.promote(folder, blob.key.copy, blob, None)
            assert os.path.exists(folder.copy(blob.key))
            promoted.append(blob)
    finally:
        ended.set()
        remover.join(60)
    assert os.listdir(folder.prefix(blobs[0].key.digest)) == []


async def test_the_inventory_lists_what_is_named_well(store: FilesystemBlobs, folder: DataFolder) -> None:
    blobs = await asyncio.gather(*(_push(store, str(n).encode(), f"{n:032x}") for n in range(300)))
    digest = blobs[0].key.digest
    prefix = folder.prefix(digest)
    elsewhere = f"{folder.blobs}/sha256/{'00' if digest.hex[:2] != '00' else '01'}/{digest.hex}"
    for made in (f"{prefix}/{digest.hex}", f"{prefix}/{digest.hex}.{'d' * 32}"):
        os.mkdir(made)
    for name in ("readme", f"{digest.hex}.notes", f"{digest.hex}.{'a' * 32}.{'a' * 32}", f"{digest.hex}/{'a' * 32}"):
        _put(f"{prefix}/{name}")
    _put(f"{elsewhere}.{'a' * 32}")
    found = [copy async for copy in store.inventory.copies()]
    assert sorted(copy.blob.key for copy in found) == sorted(blob.key for blob in blobs)
    assert {copy.blob for copy in found} == set(blobs)
    for name in ("upload-1", ".check-99", "bad name"):
        _put(f"{folder.uploads}/{name}")
    os.utime(f"{folder.uploads}/upload-1", ns=(0, 1_700_000_000_123_456_789))
    assert [stage async for stage in store.inventory.stages()] == [("upload-1", 1_700_000_000_123_456)]


async def test_the_check_leaves_nothing(store: FilesystemBlobs, folder: DataFolder) -> None:
    await store.inventory.check()
    assert os.listdir(folder.uploads) == []
    os.rmdir(folder.uploads)
    with pytest.raises(Unavailable, match="writing to the blob store failed"):
        await store.inventory.check()
