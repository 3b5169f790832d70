"""The blob store in a folder keeps to every contract."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orlop.adapters.filesystem import FilesystemBlobs, open_data_folder
from orlop.adapters.filesystem.backups import BackupFolder
from tests.contract import kits
from tests.contract.backups import BackupTargetKit
from tests.contract.blobs import BlobStore


@pytest.fixture(name="now")
def _now() -> int:
    return time.time_ns() // 1000


@pytest.fixture(name="store")
def _store(tmp_path: Path, now: int) -> Iterator[BlobStore]:
    files = FilesystemBlobs(open_data_folder(tmp_path / "data"))
    yield BlobStore(files.stage, files.reader, files.remover, files.inventory)
    files.close()


class TestBlobs(kits.BlobStoreKit):
    """Stages and copies."""


class TestBackups(BackupTargetKit):
    """Backups in a folder."""

    @pytest.fixture
    def again(self, tmp_path: Path) -> Callable[[], BackupFolder]:
        return lambda: BackupFolder(tmp_path / "bk")

    @pytest.fixture
    def target(self, again: Callable[[], BackupFolder]) -> BackupFolder:
        return again()
