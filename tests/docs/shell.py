"""One bash that runs the commands of a document one after the other, so that folders and variables stay."""

import os
import secrets
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

_PATIENCE = 180.0


class Shell:
    """A shell in a folder."""

    def __init__(self, process: "subprocess.Popen[bytes]", script: Path) -> None:
        self._process = process
        self._script = script
        self._mark = secrets.token_hex(16)

    def run(self, command: str) -> tuple[str, int]:
        """What a command writes, to standard output and standard error together, and its exit code."""
        self._script.write_text(f"{command}\n")
        line = f". '{self._script}' </dev/null; _code=$?; printf '\\n%s %s\\n' {self._mark} $_code; (exit $_code)\n"
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode())
        self._process.stdin.flush()
        text = self._read(command)
        output, _, code = text.rpartition(f"\n{self._mark} ")
        return output, int(code)

    def set(self, name: str, value: str) -> None:
        """Give the commands that follow a variable."""
        self.run(f"export {name}='{value}'")

    def _read(self, command: str) -> str:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        gathered = b""
        deadline = time.monotonic() + _PATIENCE
        while not gathered.endswith(b"\n") or self._mark.encode() not in gathered:
            readable, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            piece = os.read(descriptor, 65_536) if readable else b""
            assert piece, f"no end of {command!r} after:\n{gathered.decode(errors='replace')[-4000:]}"
            gathered += piece
        return gathered.decode(errors="replace")


@contextmanager
def shell(folder: Path, script: Path, environment: Mapping[str, str]) -> Iterator[Shell]:
    """A shell with `folder` as its working directory; whatever it started ends with it. `script` is for its own use."""
    process = subprocess.Popen(
        ["bash", "--noprofile", "--norc"],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    with process:
        try:
            yield Shell(process, script)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
