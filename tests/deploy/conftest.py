"""The wheel and the sdist, built once."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.pythons import ROOT
from tests.memory import folders_in_memory

__all__ = ["folders_in_memory"]


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist of this checkout."""
    return build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    """The wheel of this checkout."""
    (found,) = dist.glob("*.whl")
    return found


def build(folder: Path) -> Path:
    """Build both into a folder, as `make dist` does."""
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, env={"SOURCE_DATE_EPOCH": "1700000000"}, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return folder
