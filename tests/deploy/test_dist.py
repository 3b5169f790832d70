"""Wheel and sdist: everything is in them, they are the same each time, and the wheel serves in an empty environment of
every Python of this machine."""

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from orlop import __version__
from tests.deploy.conftest import build
from tests.deploy.pythons import LOCK, ROOT, environment_of, offline, pythons
from tests.serving import serving

pytestmark = pytest.mark.slow


def _tracked(*folders: str) -> set[str]:
    listed = subprocess.run(["git", "ls-files", "-z", *folders], cwd=ROOT, capture_output=True, check=True, timeout=60)
    return {name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).exists()}


def test_the_wheel_has_every_file_of_the_source(wheel: Path) -> None:
    held = {name for name in zipfile.ZipFile(wheel).namelist() if not name.startswith("orlop-")}
    assert {name.removeprefix("src/") for name in _tracked("src")} <= held
    assert not [name for name in held if name.endswith(".pyc")]


def test_the_sdist_builds_the_same_wheel(dist: Path, wheel: Path, tmp_path: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=source, env={"SOURCE_DATE_EPOCH": "1700000000"}, check=True, timeout=120)
    (again,) = tmp_path.glob("*.whl")
    assert again.read_bytes() == wheel.read_bytes()


def test_two_builds_are_one(dist: Path, tmp_path: Path) -> None:
    again = build(tmp_path)
    assert {file.name: file.read_bytes() for file in again.iterdir()} == {
        file.name: file.read_bytes() for file in dist.iterdir()
    }


def test_every_file_names_the_image_of_this_version() -> None:
    ours = ".".join(__version__.split(".")[:2])
    files = [*(ROOT / "deploy" / "compose").glob("*.yaml"), ROOT / "deploy" / "kubernetes" / "apply.yaml"]
    files.append(ROOT / "docs" / "installing.md")
    named = [name for file in files for name in re.findall(r"\borlop:(\d[\d.]*\d)", file.read_text())]
    assert set(named) == {ours}
    chart = (ROOT / "deploy" / "helm" / "orlop" / "Chart.yaml").read_text()
    assert f'appVersion: "{ours}"' in chart


@pytest.mark.parametrize("version", sorted(pythons(), key=lambda version: int(version[2:])))
def test_the_wheel_in_an_empty_environment(version: str, wheel: Path, tmp_path: Path) -> None:
    bin_ = environment_of(pythons()[version], wheel, tmp_path / "environment") / "bin"

    # Not one package more or less than its metadata asks for, and none that another one does not go with.
    checked = [sys.executable, "-m", "pip", "--python", str(bin_ / "python"), "check"]
    done = subprocess.run(checked, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "No broken requirements found.\n"), done.stderr

    said = subprocess.run([bin_ / "orlop", "version"], capture_output=True, text=True, timeout=60)
    assert said.stdout == f"orlop {__version__}\n", said.stderr
    said = subprocess.run([bin_ / "orlop", "--help"], capture_output=True, text=True, timeout=60)
    assert "serve" in said.stdout, said.stderr
    said = subprocess.run([bin_ / "docker-credential-orlop", "list"], capture_output=True, timeout=60, cwd=tmp_path)
    assert said.returncode == 0, said.stderr

    # Pages, their files and statements of SQL are read from where it is installed.
    with serving(tmp_path, program=str(bin_ / "orlop"), opened=False) as server:
        assert server.ask("GET", "/readyz").status == 200
        assert server.ask("GET", "/v2/").status == 401
        assert b"<html" in server.ask("GET", "/login").body


def test_uvx_serves(wheel: Path, tmp_path: Path) -> None:
    tool = ("tool", "run", "--python", sys.executable, "--constraints", str(LOCK), "--from", str(wheel))
    assert offline(*tool, "orlop", "version", cwd=tmp_path) == f"orlop {__version__}\n"
