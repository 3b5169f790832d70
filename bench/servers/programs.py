"""Where the programs are that the bench runs, and which version each is."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path


def found(name: str) -> str | None:
    """A program on PATH, or where Go and Debian put theirs."""
    go = os.environ.get("GOBIN") or os.path.join(os.environ.get("GOPATH", str(Path.home() / "go")), "bin")
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), go, "/usr/sbin"]))


def said(command: Sequence[str]) -> str:
    """What a program says of itself, on whichever output, without line breaks."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    return " ".join((done.stdout + done.stderr).split())


def built(path: str) -> str:
    """The module and version that a Go program was built from, as the compiler noted it in the program."""
    found_at = re.search(rb"\nmod\t(\S+)\t(\S+)", Path(path).read_bytes())
    return " ".join(each.decode() for each in found_at.groups()) if found_at else "unknown"
