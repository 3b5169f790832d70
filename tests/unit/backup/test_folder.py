"""A folder with backups: what is there already is made durable with what is new."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from orlop.adapters.filesystem import backups
from orlop.adapters.filesystem.backups import BackupFolder
from orlop.domain.backup import blob_key, chunk_key
from orlop.domain.digest import digest_of
from orlop.ports.backup import StoredKey


async def once(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content


async def test_what_a_killed_run_brought_is_durable_when_the_next_one_settles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = blob_key(digest_of(b"one")), chunk_key(digest_of(b"two"))
    killed = BackupFolder(tmp_path)
    async with killed.occupied():
        await killed.write(one, once(b"one"), 3)
        await killed.write(two, once(b"cut"), 3)
    synced: set[Path] = set()
    monkeypatch.setattr(backups, "sync_folder", lambda folder: synced.add(Path(folder)))
    again = BackupFolder(tmp_path)
    async with again.occupied():
        assert await again.present([StoredKey(one, 3), StoredKey(two, 4)]) == {one}
        synced.clear()
        await again.settle()
    folder = (tmp_path / one).parent
    assert synced == {folder, folder.parent, folder.parent.parent, tmp_path}
