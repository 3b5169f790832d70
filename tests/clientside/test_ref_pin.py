"""`orlop ref pin` against real registries: the digests are theirs, and the pinned files pull what was pushed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from orlop.domain.names import RepositoryName
from tests.clientside.clients import client, push
from tests.content import image, index

pytestmark = pytest.mark.slow


def orlop_ref(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "orlop", "ref", *arguments]
    environment = {**os.environ, "HOME": str(folder), "DOCKER_CONFIG": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


async def test_files_are_pinned_to_what_the_registry_has(peer: str, tmp_path: Path) -> None:
    one, all_platforms = image("one", layers=["base"]), index("all", [image("one", layers=["base"]), image("two")])
    async with client() as opened:
        await push(await opened.repository(peer, RepositoryName("pinning/app")), one, "1.0", "latest")
        await push(await opened.repository(peer, RepositoryName("pinning/base")), all_platforms, "v1")
    (tmp_path / "Dockerfile").write_text(
        f"ARG BASE={peer}/pinning/base:v1\r\nFROM ${{BASE}} AS build\r\nFROM {peer}/pinning/app\r\n"
        f"COPY --from=build /a /b  # kept\r\nCOPY --from={peer}/pinning/missing:1 /a /b\r\n",
        newline="",
    )
    (tmp_path / "values.yaml").write_text(
        f'image:\n  registry: {peer}  # here\n  repository: pinning/app\n  tag: "1.0"\n  digest: ""\n'
    )
    done = orlop_ref(tmp_path, "pin", "Dockerfile", "values.yaml", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    dockerfile, values = json.loads(done.stdout)["files"]
    assert [entry["outcome"] for entry in dockerfile["references"]] == ["pinned", "pinned", "failed"]
    assert [entry["outcome"] for entry in values["references"]] == ["pinned"]
    assert (tmp_path / "Dockerfile").read_bytes().decode() == (
        f"ARG BASE={peer}/pinning/base:v1@{all_platforms.digest}\r\nFROM ${{BASE}} AS build\r\n"
        f"FROM {peer}/pinning/app:latest@{one.digest}\r\n"
        f"COPY --from=build /a /b  # kept\r\nCOPY --from={peer}/pinning/missing:1 /a /b\r\n"
    )
    assert (tmp_path / "values.yaml").read_text() == (
        f'image:\n  registry: {peer}  # here\n  repository: pinning/app\n  tag: "1.0"\n  digest: "{one.digest}"\n'
    )


async def test_update_follows_a_tag_that_was_moved(peer: str, tmp_path: Path) -> None:
    old, new = image("old", layers=["base"]), image("new", layers=["base"])
    file = tmp_path / "compose.yaml"
    file.write_text(f"services: {{web: {{image: '{peer}/pinning/moved:1'}}}}\n")
    async with client() as opened:
        repository = await opened.repository(peer, RepositoryName("pinning/moved"))
        await push(repository, old, "1")
        assert orlop_ref(tmp_path, "pin", "compose.yaml").returncode == 0
        await push(repository, new, "1")
    pinned = file.read_text()
    assert f"{peer}/pinning/moved:1@{old.digest}" in pinned
    assert orlop_ref(tmp_path, "pin", "compose.yaml").returncode == 0
    assert file.read_text() == pinned
    shown = orlop_ref(tmp_path, "pin", "--update", "--dry-run", "compose.yaml")
    assert (shown.returncode, file.read_text()) == (0, pinned)
    assert f"+services: {{web: {{image: '{peer}/pinning/moved:1@{new.digest}'}}}}\n" in shown.stdout
    assert orlop_ref(tmp_path, "pin", "--update", "compose.yaml").returncode == 0
    assert file.read_text() == pinned.replace(old.digest, new.digest)


def test_a_registry_that_nobody_answers_for_is_told(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM 127.0.0.1:1/a/b:1\n")
    done = orlop_ref(tmp_path, "pin", "Dockerfile")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("Dockerfile:1:6: failed 127.0.0.1:1/a/b:1: ")
    assert (tmp_path / "Dockerfile").read_text() == "FROM 127.0.0.1:1/a/b:1\n"
