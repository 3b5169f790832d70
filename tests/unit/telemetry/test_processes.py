"""What all processes counted is told, whatever state the files of dead ones are in."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orlop.telemetry.metrics import FOLDER_VARIABLE, Metrics

COUNTS = (
    'from orlop.telemetry.metrics import Metrics; refused = Metrics().refused; refused("access"); refused("access")'
)


def test_files_of_processes_killed_before_they_counted_count_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    surroundings = os.environ | {FOLDER_VARIABLE: str(tmp_path)}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", COUNTS], env=surroundings, check=True, timeout=60)
    (tmp_path / "counter_1.db").touch()
    (tmp_path / "histogram_1.db").write_bytes(bytes(1 << 20))
    (tmp_path / "gauge_livesum_1.db").symlink_to(tmp_path / "gone")
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    assert b'orlop_refusals_total{rule="access"} 4.0' in Metrics().render(None)
