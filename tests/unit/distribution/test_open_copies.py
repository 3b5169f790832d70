"""Copies that are lent by path stay open as long as a server may need, and no longer."""

import asyncio
import os
from pathlib import Path

import pytest

from orlop.domain.errors import ContentCorrupt
from orlop.domain.names import RepositoryName
from orlop.faces.distribution import open_copies
from orlop.faces.distribution.open_copies import OpenCopies
from tests.content import blob
from tests.registry import HandClock, Registry, empty_on_disk, in_memory

APP = RepositoryName("app")


def open_files(folder: Path) -> int:
    """How many files of a folder this process holds open."""
    links = [os.readlink(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd") if _is_open(number)]
    return sum(link.startswith(f"{folder}/blobs/") for link in links)


def _is_open(number: str) -> bool:
    return os.path.lexists(f"/proc/self/fd/{number}")


async def test_a_copy_is_opened_once_and_outlives_its_file(tmp_path: Path) -> None:
    stores = empty_on_disk(tmp_path)
    registry = Registry(stores, HandClock())
    stored = await registry.push_blob(APP, blob("base"))
    copies = OpenCopies(registry.blobs)
    contents = {id((await copies.lend(stored))[0]) for _ in range(5)}
    assert (len(contents), open_files(tmp_path)) == (1, 1)
    lent, is_lent = await copies.lend(stored)
    assert is_lent
    assert lent.path is not None
    await stores.remover.remove(stored.key)
    assert await asyncio.to_thread(Path(lent.path).read_bytes) == await lent.read() == blob("base").content
    assert await copies.lend(stored) == (lent, True), "who asks again while it is lent gets it too"
    copies.close()
    assert open_files(tmp_path) == 0
    with pytest.raises(ContentCorrupt):
        await copies.lend(stored)
    await stores.close()


async def test_at_most_so_many_are_open_and_they_are_closed_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_copies, "CAPACITY", 3)
    monkeypatch.setattr(open_copies, "LINGER", 0.2)
    stores = empty_on_disk(tmp_path)
    registry = Registry(stores, HandClock())
    stored = [await registry.push_blob(APP, blob(f"blob {number}")) for number in range(5)]
    copies = OpenCopies(registry.blobs)
    lent = [await copies.lend(each) for each in stored]
    assert [is_lent for _, is_lent in lent] == [True, True, True, False, False]
    for content, is_lent in lent:
        if not is_lent:
            content.close()
    assert open_files(tmp_path) == 3
    for _ in range(100):
        if open_files(tmp_path) == 0:
            break
        await asyncio.sleep(0.02)
    assert open_files(tmp_path) == 0, "nobody lent one for a while"
    assert (await copies.lend(stored[4]))[1]
    copies.close()
    await stores.close()


async def test_what_has_no_path_belongs_to_whoever_asked() -> None:
    clock = HandClock()
    registry = Registry(in_memory(clock).stores, clock)
    stored = await registry.push_blob(APP, blob("base"))
    copies = OpenCopies(registry.blobs)
    content, is_lent = await copies.lend(stored)
    assert (is_lent, content.path, await content.read()) == (False, None, blob("base").content)
    content.close()
    copies.close()
