"""Runs docs/references.md: its files are written, its commands run, and what they print is what it shows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from orlop.domain.names import RepositoryName
from tests.clientside.clients import client, push
from tests.content import image

pytestmark = pytest.mark.slow

_DOCUMENT = Path(__file__).parents[2] / "docs" / "references.md"
_BLOCK = re.compile(r"(?:<!-- file: (?P<file>\S+) -->\n)?```(?P<kind>\w+)\n(?P<body>.*?)```\n", re.DOTALL)
#: What the document calls the registry.
_REGISTRY = "localhost:5000"


def _run(command: str, folder: Path) -> str:
    words = command.split()
    if words[0] == "orlop":
        words[:1] = [sys.executable, "-m", "orlop"]
    environment = {**os.environ, "HOME": str(folder), "DOCKER_CONFIG": str(folder)}
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def shown(document: str, registry: str, folder: Path) -> str:
    """The document with what its commands print now."""

    def fill(match: re.Match[str]) -> str:
        if match["file"]:
            (folder / match["file"]).write_text(match["body"].replace(_REGISTRY, registry))
        if match["kind"] != "console":
            return match.group()
        commands = [line for line in match["body"].splitlines() if line.startswith("$ ")]
        output = "".join(f"{one}\n{_run(one[2:], folder).replace(registry, _REGISTRY)}" for one in commands)
        return f"```console\n{output}```\n"

    return _BLOCK.sub(fill, document)


async def test_the_document_shows_what_happens(distribution_peer: str, tmp_path: Path) -> None:
    async with client() as opened:
        repository = await opened.repository(distribution_peer, RepositoryName("team/app"))
        await push(repository, image("app", layers=["base", "code"]), "1.4", "v2")
    document = _DOCUMENT.read_text()
    now = shown(document, distribution_peer, tmp_path)
    (tmp_path / "shown.md").write_text(now)
    assert document == now
