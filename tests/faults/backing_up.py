"""`orlop backup` as a program, for tests."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.servers import ORLOP, environment, variables


def begin(settings: Mapping[str, Any], *arguments: str) -> "subprocess.Popen[str]":
    """`orlop backup …`, running."""
    return subprocess.Popen(
        [*ORLOP, "backup", *arguments],
        env=environment(variables(settings)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def backup(settings: Mapping[str, Any], *arguments: str, code: int = 0) -> Any:
    """The same with --json, to its end; what it says. Fails when it does not end with that exit code."""
    process = begin(settings, *arguments, "--json")
    output, errors = process.communicate(timeout=300)
    assert process.returncode == code, (output, errors)
    return json.loads(output) if output else errors


def content(target: Path) -> dict[str, int]:
    """The files of a folder with backups, but its lock, and their sizes."""
    return {
        str(file.relative_to(target)): file.stat().st_size
        for kind in ("backups", "blobs", "chunks")
        for file in (target / kind).rglob("*")
        if file.is_file()
    }
