"""`orlop backup` as a program, for tests."""

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import warnings
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


#: Starts commands that have everything imported already: these tests have some fifty, and importing is most of each.
_IMPORTED = multiprocessing.get_context("forkserver")
_IMPORTED.set_forkserver_preload(
    [
        "pytest",
        "tests.faults.backing_up",
        "orlop.__main__",
        "orlop.faces.cli.app",
        "orlop.faces.cli.management",
        "orlop.faces.cli.stores.backup",
        "orlop.bootstrap.commands.backing_up",
        "orlop.bootstrap.commands.maintenance",
    ]
)


def orlop(settings: Mapping[str, Any], *arguments: str) -> tuple[int | None, str, str]:
    """A command to its end, in a process of its own; its exit code, output and errors."""
    with tempfile.TemporaryDirectory() as folder:
        said = [Path(folder, name) for name in ("output", "errors")]
        process = _IMPORTED.Process(target=_orlop, args=(environment(variables(settings)), arguments, *said))
        process.start()
        process.join(300)
        return process.exitcode, said[0].read_text(), said[1].read_text()


def _orlop(environ: Mapping[str, str], arguments: tuple[str, ...], output: Path, errors: Path) -> None:
    from orlop.__main__ import main

    for number, file in ((1, output), (2, errors)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
    os.environ.clear()
    os.environ.update(environ)
    warnings.simplefilter("error")
    warnings.simplefilter("ignore", ResourceWarning)
    sys.argv = ["orlop", *arguments]
    main()


def backup(settings: Mapping[str, Any], *arguments: str, code: int = 0) -> Any:
    """`orlop backup … --json`, to its end; what it says. Fails when it does not end with that exit code."""
    ended, output, errors = orlop(settings, "backup", *arguments, "--json")
    assert ended == code, (output, errors)
    return json.loads(output) if output else errors


def content(target: Path) -> dict[str, int]:
    """The files of a folder with backups, but its lock, and their sizes."""
    return {
        str(file.relative_to(target)): file.stat().st_size
        for kind in ("backups", "blobs", "chunks")
        for file in (target / kind).rglob("*")
        if file.is_file()
    }
