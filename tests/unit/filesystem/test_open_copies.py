"""Copies that stay open: opened once, readable although they are removed, and let go of in time."""

import asyncio
import os
from collections.abc import Iterator

import pytest

from orlop.adapters.filesystem import DataFolder, FilesystemBlobs, open_copies
from orlop.adapters.filesystem.open_copies import OpenCopies
from orlop.domain.blob import Blob, BlobKey
from orlop.domain.digest import digest_of
from orlop.domain.errors import ContentCorrupt


@pytest.fixture
def copies(store: FilesystemBlobs) -> Iterator[OpenCopies]:
    """The reader for clients."""
    yield store.serving
    store.serving.close()


def open_files(folder: DataFolder) -> int:
    """How many copies this process holds open."""
    found = 0
    for number in os.listdir("/proc/self/fd"):
        try:
            found += os.readlink(f"/proc/self/fd/{number}").startswith(f"{folder.root}/blobs/")
        except FileNotFoundError:
            continue
    return found


async def push(store: FilesystemBlobs, content: bytes) -> Blob:
    """Store a copy."""
    blob = Blob(BlobKey(digest_of(content), digest_of(content).hex[:32]), len(content))
    writer = await store.stage.open(blob.key.copy, 0, "sha256")
    await writer.write(content)
    await writer.checkpoint()
    await writer.close()
    await store.stage.promote(blob.key.copy, blob)
    return blob


async def test_a_copy_is_opened_once_and_who_reads_it_outlives_its_file(
    store: FilesystemBlobs, folder: DataFolder, copies: OpenCopies
) -> None:
    blob = await push(store, b"content")
    lent = [await copies.open(blob) for _ in range(5)]
    assert open_files(folder) == 1
    await store.remover.remove(blob.key)
    for content in lent:
        assert content.size == 7
        assert await content.read() == b"content"
        content.close()
        content.close()
    with pytest.raises(ContentCorrupt):
        await copies.open(blob)
    assert open_files(folder) == 0
    copies.close()


async def test_a_copy_that_is_cut_off_while_it_is_open_is_not_lent_again(
    store: FilesystemBlobs, folder: DataFolder, copies: OpenCopies
) -> None:
    blob = await push(store, b"content")
    (await copies.open(blob)).close()
    os.truncate(folder.copy(blob.key), 3)
    with pytest.raises(ContentCorrupt):
        await copies.open(blob)


async def test_what_is_being_read_is_not_closed(
    store: FilesystemBlobs, folder: DataFolder, copies: OpenCopies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not when its time is over, and not when the server ends."""
    monkeypatch.setattr(open_copies, "LINGER", 0.01)
    blob = await push(store, b"content")
    first, second = await copies.open(blob), await copies.open(blob)
    await asyncio.sleep(0.1)
    assert await first.read() == b"content"
    first.close()
    copies.close()
    assert open_files(folder) == 1
    assert await second.read() == b"content"
    second.close()
    assert open_files(folder) == 0


async def test_at_most_so_many_stay_open_and_they_are_closed_in_time(
    store: FilesystemBlobs, folder: DataFolder, copies: OpenCopies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "_capacity", 3)
    monkeypatch.setattr(open_copies, "LINGER", 0.2)
    lent = [await copies.open(await push(store, b"content %d" % number)) for number in range(5)]
    assert open_files(folder) == 5
    for content in lent:
        content.close()
    assert open_files(folder) == 3
    for _ in range(100):
        if open_files(folder) == 0:
            break
        await asyncio.sleep(0.02)
    assert open_files(folder) == 0, "nobody read one for a while"


async def test_who_reads_again_starts_its_time_anew(
    store: FilesystemBlobs, copies: OpenCopies, monkeypatch: pytest.MonkeyPatch, folder: DataFolder
) -> None:
    monkeypatch.setattr(copies, "_capacity", 2)
    first, second = await push(store, b"first"), await push(store, b"second")
    for blob in (first, second, first):
        (await copies.open(blob)).close()
    copies._close_until(asyncio.get_running_loop().time())
    assert open_files(folder) == 2
    assert list(copies._shared) == [second.key, first.key], "the one that was not read for the longest time goes first"
