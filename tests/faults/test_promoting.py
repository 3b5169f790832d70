"""A process that is killed at any statement of a promotion leaves all or nothing, on both engines, and does it once."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.catalogs import empty_catalog

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_all_or_nothing_at_every_statement(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if engine == "sqlite":
        empty_catalog(tmp_path)
        where = str(tmp_path)
    else:
        where = request.getfixturevalue("postgres").catalog()
    program = [sys.executable, "-m", "tests.faults.promoting", engine, where]
    done = subprocess.run(program, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-4000:]
    print(f"killed at each of {int(done.stdout)} statements on {engine}")
    assert int(done.stdout) > 20
