"""deploy/kubernetes/apply.yaml: its objects are of Kubernetes, its commands are of Orlop, and a registry takes its
documents, once."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.charts import VERSIONS, objects, schemas
from tests.deploy.pythons import ROOT
from tests.needs import need
from tests.servers import environment
from tests.serving import serving

pytestmark = pytest.mark.slow

_FILE = ROOT / "deploy" / "kubernetes" / "apply.yaml"
_PASSWORD = "correct horse battery"
_ORLOP = [sys.executable, "-m", "orlop"]


def _pod() -> Mapping[str, Any]:
    (job,) = [each for each in objects(_FILE.read_text()) if each["kind"] == "Job"]
    pod: Mapping[str, Any] = job["spec"]["template"]["spec"]
    return pod


@pytest.mark.parametrize("version", VERSIONS)
def test_its_objects_are_of_kubernetes(version: str, tmp_path: Path) -> None:
    program = need("kubeconform")["kubeconform"]
    where = f"{schemas(version, tmp_path / version)}/{{{{.ResourceKind}}}}.json"
    done = subprocess.run([program, "-strict", "-schema-location", where, _FILE], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_it_applies_once(tmp_path: Path) -> None:
    (documents,) = [each["data"] for each in objects(_FILE.read_text()) if each["kind"] == "ConfigMap"]
    folder = tmp_path / "registry"
    folder.mkdir()
    for name, text in documents.items():
        (folder / name).write_text(text)
    settings = {"ORLOP_ADMIN_PASSWORD": _PASSWORD, "ORLOP_WORKERS": "1"}
    variables = environment({"XDG_CONFIG_HOME": str(tmp_path / "home")})
    with serving(tmp_path, settings=settings, opened=False) as server:
        address = f"127.0.0.1:{server.port}"

        def run(*arguments: str, given: str = "") -> "subprocess.CompletedProcess[str]":
            return subprocess.run(
                [*_ORLOP, *arguments], input=given, env=variables, capture_output=True, text=True, timeout=60
            )

        # Signed in by the identity of the pod, which a test has not; that the command is one it says itself (2).
        (sign_in,) = _pod()["initContainers"]
        assert run(*_at(sign_in["args"], address, folder)).returncode == 1
        assert run("login", address, "-u", "admin", "--password-stdin", given=_PASSWORD).returncode == 0
        (apply,) = _pod()["containers"]
        for _ in range(2):
            done = run(*_at(apply["args"], address, folder))
            assert done.returncode == 0, done.stderr
        assert "nothing to do" in done.stdout


def _at(arguments: list[str], address: str, folder: Path) -> list[str]:
    there = {"registry.example": address, "/registry": str(folder)}
    return [there.get(argument, argument) for argument in arguments]
