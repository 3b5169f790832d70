"""The Pythons of this machine that Orlop runs on, and environments made of them without a network: packages come from
the cache of uv, which `.ci/run` fills."""

import functools
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.needs import lack

ROOT = Path(__file__).parents[2]
UV = str(Path(sys.executable).parent / "uv")
#: What the lock file says of each package that Orlop needs.
LOCK = ROOT / "requirements" / "run.txt"


@functools.cache
def pythons() -> Mapping[str, str]:
    """A program for each minor version from 3.11 on, as `3.12`; that of these tests for its own version."""
    found = {f"{sys.version_info.major}.{sys.version_info.minor}": sys.executable}
    folders = [Path(folder) for folder in os.get_exec_path()]
    folders += sorted(Path.home().glob(".pyenv/versions/*/bin"))
    for folder in folders:
        for program in sorted(folder.glob("python3.[0-9]*")):
            name = re.fullmatch(r"python(3\.\d+)", program.name)
            if name and name[1] not in found and int(name[1][2:]) >= 11 and _runs(program):
                found[name[1]] = str(program)
    return found


def _runs(program: Path) -> bool:
    """A program of that name may be one that only looks for another."""
    return subprocess.run([program, "-c", ""], capture_output=True, timeout=60).returncode == 0


def offline(*arguments: str | Path, cwd: Path) -> str:
    """What uv prints; it reaches for no network. Skips the test where its cache lacks something."""
    done = subprocess.run(
        [UV, "--offline", *arguments], cwd=cwd, capture_output=True, text=True, timeout=300, env=_environment()
    )
    if "network was disabled" in done.stderr:
        lack("not in the cache of uv: packages that Orlop needs; .ci/run fills it")
    assert done.returncode == 0, done.stderr
    return done.stdout


def environment_of(python: str, wheel: Path, folder: Path) -> Path:
    """A virtual environment with the wheel and what it needs, as the lock file has it, and nothing else."""
    offline("venv", "--quiet", "--python", python, folder, cwd=folder.parent)
    offline(
        *("pip", "install", "--quiet", "--python", folder / "bin" / "python", "--constraints", LOCK, wheel),
        cwd=folder.parent,
    )
    return folder


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
