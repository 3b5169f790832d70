"""A folder with backups: what is there already is made durable with what is new."""

import os
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

import pytest

from orlop.adapters.filesystem import backups
from orlop.adapters.filesystem.backups import BackupFolder
from orlop.domain.backup import blob_key, chunk_key
from orlop.domain.digest import digest_of
from orlop.ports.backup import StoredKey


async def once(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> set[Path]:
    found: set[Path] = set()
    monkeypatch.setattr(backups, "sync_folder", lambda folder: found.add(Path(folder)))
    return found


ONE, TWO = blob_key(digest_of(b"one")), chunk_key(digest_of(b"two"))


async def test_what_a_killed_run_brought_is_durable_when_the_next_one_settles(
    tmp_path: Path, synced: set[Path]
) -> None:
    killed = BackupFolder(tmp_path)
    with suppress(KeyError):
        async with killed.occupied():
            await killed.write(ONE, once(b"one"), 3)
            await killed.write(TWO, once(b"cut"), 3)
            await killed.settle()
            raise KeyError
    again = BackupFolder(tmp_path)
    folder = (tmp_path / ONE).parent
    async with again.occupied():
        assert await again.present([StoredKey(ONE, 3), StoredKey(TWO, 4)]) == {ONE}
        synced.clear()
        await again.settle()
        assert synced >= {folder, folder.parent, folder.parent.parent, tmp_path}


async def test_what_was_settled_is_not_settled_again(tmp_path: Path, synced: set[Path]) -> None:
    first = BackupFolder(tmp_path)
    async with first.occupied():
        await first.write(ONE, once(b"one"), 3)
    assert (tmp_path / ONE).parent in synced
    again = BackupFolder(tmp_path)
    async with again.occupied():
        assert await again.present([StoredKey(ONE, 3)]) == {ONE}
        synced.clear()
        await again.settle()
        assert synced == set()


async def test_what_has_a_name_was_durable_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named_at_sync: list[bool] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        named_at_sync.append((tmp_path / ONE).exists() or (tmp_path / TWO).exists())
        fsync(descriptor)

    folder = BackupFolder(tmp_path)
    async with folder.occupied():
        monkeypatch.setattr(backups.os, "fsync", watched)
        await folder.write(ONE, once(b"one"), 3)
        await folder.write(TWO, once(b"two"), 3)
        assert await folder.present([StoredKey(ONE, 3), StoredKey(TWO, 4)]) == {ONE}
        assert not (tmp_path / ONE).exists()
        await folder.settle()
        assert (tmp_path / ONE).exists()
        assert named_at_sync[:2] == [False, False]


async def test_what_was_not_settled_is_gone_with_an_error(tmp_path: Path) -> None:
    folder = BackupFolder(tmp_path)
    with suppress(KeyError):
        async with folder.occupied():
            await folder.write(ONE, once(b"one"), 3)
            raise KeyError
    assert not (tmp_path / ONE).exists()
    assert [left.name for left in (tmp_path / "tmp").iterdir()] == ["unsettled"]
