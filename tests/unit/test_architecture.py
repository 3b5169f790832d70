"""The floors of the house hold, and the check that says so would notice if they did not."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

pytestmark = pytest.mark.early

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "orlop"
LONGEST = 500


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--config", str(folder / "pyproject.toml"), "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder / "src"), "PATH": str(Path(sys.executable).parent), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the sources and their contracts, to break."""
    shutil.copytree(SOURCE, tmp_path / "src" / "orlop", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_imports_point_down_only() -> None:
    checked = lint_imports(ROOT)
    assert checked.returncode == 0, checked.stdout


def imports(source: Path) -> dict[str, set[str]]:
    """What each module imports, anywhere in it: also where it is about to work, or for its types alone."""
    modules = {".".join(file.relative_to(source.parent).with_suffix("").parts): file for file in source.rglob("*.py")}
    found = {}
    for module, file in modules.items():
        named = set()
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                named |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Import):
                named |= {alias.name for alias in node.names}
        found[module] = named & modules.keys() - {module}
    return found


def test_no_files_import_each_other() -> None:
    TopologicalSorter(imports(SOURCE)).prepare()  # raises CycleError, with the files


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "statement", "contract"),
    [
        ("domain/names.py", "import orlop.ports.clock", "The floors"),
        ("ports/clock.py", "import orlop.services.content.uploads", "The floors"),
        ("services/content/uploads.py", "import orlop.adapters.memory.blobs", "Only bootstrap names adapters"),
        ("adapters/memory/blobs.py", "import orlop.services.content.uploads", "The floors"),
        ("faces/app.py", "import orlop.bootstrap.stores.opening", "The floors"),
        ("domain/names.py", "import orlop.config", "The floors"),
        ("faces/app.py", "import orlop.adapters.memory.blobs", "Only bootstrap names adapters"),
        ("adapters/memory/blobs.py", "import orlop.adapters.sql.engine", "Adapters know nothing of each other"),
        ("domain/names.py", "import asyncio", "The domain is values and rules"),
        ("services/content/uploads.py", "from time import time", "Clock and chance are arguments"),
        ("services/content/uploads.py", "import aiohttp", "HTTP is the business of faces"),
    ],
)
def test_an_import_that_points_up_is_noticed(copy: Path, file: str, statement: str, contract: str) -> None:
    broken = copy / "src" / "orlop" / file
    broken.write_text(f"{broken.read_text()}\n{statement}\n")
    checked = lint_imports(copy)
    assert checked.returncode != 0
    assert re.search(rf"{contract}[^\n]* BROKEN", checked.stdout), checked.stdout


def test_a_module_outside_the_floors_is_noticed(copy: Path) -> None:
    (copy / "src" / "orlop" / "cellar.py").write_text('"""Nowhere."""\n')
    assert lint_imports(copy).returncode != 0


def test_every_adapter_is_under_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [independent] = [contract["modules"] for contract in contracts if contract["type"] == "independence"]
    adapters = {f"orlop.adapters.{file.parent.name}" for file in (SOURCE / "adapters").glob("*/__init__.py")}
    assert set(independent) == adapters


def test_no_module_is_longer_than_a_reader_bears() -> None:
    long = {str(file.relative_to(ROOT)): len(file.read_text().splitlines()) for file in SOURCE.rglob("*.py")}
    assert {name: lines for name, lines in long.items() if lines > LONGEST} == {}


def test_every_module_says_what_lives_in_it() -> None:
    silent = [file for file in SOURCE.rglob("*.py") if not file.read_text().startswith(('"""', 'r"""'))]
    assert silent == []


@pytest.mark.parametrize("name", ["run.txt", "dev.txt", "fuzz.txt", "uv.txt"])
def test_lock_files_pin_by_hash_and_hold_no_addresses(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text()
    assert "://" not in text
    assert "--index" not in text
    pins = re.findall(r"^([a-z0-9][a-z0-9._-]*)==\S+( ;.*)? \\$", text, re.MULTILINE)
    assert pins
    entries = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert len(pins) == len(entries)
    assert text.count("--hash=sha256:") >= len(pins)


def test_what_runs_is_locked_as_what_is_tested() -> None:
    pinned = {
        name: set(re.findall(r"^([a-z0-9][a-z0-9._-]*==\S+)", (ROOT / "requirements" / name).read_text(), re.MULTILINE))
        for name in ("run.txt", "dev.txt")
    }
    assert pinned["run.txt"] <= pinned["dev.txt"]


def test_a_name_has_one_meaning_on_a_floor() -> None:
    """Classes that others may use. Adapters know nothing of each other, so each has names of its own."""
    meanings: dict[tuple[str, str], list[str]] = {}
    for file in SOURCE.rglob("*.py"):
        floor, *rest = file.relative_to(SOURCE).parts
        if not rest or floor == "adapters":
            continue
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                meanings.setdefault((floor, node.name), []).append("/".join(rest))
    assert {name: files for name, files in meanings.items() if len(files) > 1} == {}
