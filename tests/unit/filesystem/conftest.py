"""A data folder and its store, for one test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from orlop.adapters.filesystem import DataFolder, FilesystemBlobs, open_data_folder


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    """A fresh data folder."""
    return open_data_folder(tmp_path / "data")


@pytest.fixture
def store(folder: DataFolder) -> Iterator[FilesystemBlobs]:
    """The blob store in `folder`, as one process has it."""
    store = FilesystemBlobs(folder)
    yield store
    store.close()


@pytest.fixture
def other(folder: DataFolder) -> Iterator[FilesystemBlobs]:
    """The same store as another process has it: what separates processes is the open file, and that it has its own."""
    store = FilesystemBlobs(folder)
    yield store
    store.close()
