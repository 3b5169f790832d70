"""Folders in memory, for tests that are not about what a disk keeps: files come and go there at no cost."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.volume import LONG

#: Where they are, and how much has to be free there, in bytes, for a whole run of tests on all processors.
_MEMORY, _ROOM = Path("/dev/shm"), 6 << 30


def in_memory() -> Path | None:
    """Where folders in memory may be; None where there is no room for them, and in the long run."""
    there = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free >= _ROOM
    return _MEMORY if there and not LONG else None


@pytest.fixture(scope="session", name="tmp_path_factory")
def folders_in_memory(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[pytest.TempPathFactory]:
    """Pytest's folders, in memory if there is room; a conftest that imports this has them for the tests below it."""
    memory = in_memory()
    if memory is None:
        yield tmp_path_factory
        return
    folder = Path(tempfile.mkdtemp(prefix="orlop-tests-", dir=memory))
    factory = pytest.TempPathFactory.from_config(request.config, _ispytest=True)
    factory._basetemp = folder
    yield factory
    if not request.session.testsfailed:
        shutil.rmtree(folder, ignore_errors=True)
