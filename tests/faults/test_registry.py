"""Everything that a registry does, on SQLite and files, killed at any call and cut off at any moment."""

import random
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.afterwards import check
from tests.faults.power import Recording, recording
from tests.faults.strace import CHANGES, PYTHON, counted, killing, spread
from tests.faults.working import STEPS
from tests.volume import volume

pytestmark = pytest.mark.slow

KILLS = volume(60, 100_000)
CUTS = volume(50, 500)


def _command(folder: Path) -> list[str]:
    return [PYTHON, "-m", "tests.faults.working", str(folder)]


def _run(command: list[str]) -> list[str]:
    """What the program said it did, however it ended."""
    ran = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran.stdout.splitlines()


@pytest.fixture(scope="module")
def most(tmp_path_factory: pytest.TempPathFactory) -> Counter[str]:
    """How often the program makes each call when nothing goes wrong."""
    place = tmp_path_factory.mktemp("counted")
    return counted(_command(place / "data"), CHANGES, place / "trace")


def test_killed_anywhere(most: Counter[str], tmp_path: Path) -> None:
    points = spread(most, KILLS)
    died = 0
    for index, (call, number) in enumerate(points):
        folder = tmp_path / str(index)
        said = _run([*killing(call, number), *_command(folder)])
        done = sum(line.startswith("done") for line in said)
        died += done < len(STEPS)
        check(folder, done, begun=True)
    assert died >= len(points) * 3 // 4, "the program survived too many of its kills"


def test_power_lost_anywhere(tmp_path: Path) -> None:
    said = _run([*recording(tmp_path / "trace"), *_command(tmp_path / "data")])
    assert said[-1] == f"done {len(STEPS) - 1}"
    record = Recording(tmp_path / "trace", tmp_path / "data", re.compile(rb"^done ([0-9]+)\n$"))
    assert len(record.marks) == len(STEPS)
    for seed in range(CUTS):
        choice = random.Random(seed)
        cut = choice.choice(record.steps)
        folder = tmp_path / str(seed)
        record.rebuild(cut, choice, folder)
        check(folder, sum(step <= cut for step in record.marks.values()), begun=True)
