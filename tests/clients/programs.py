"""Clients as programs: each run with a home folder of its own, and with no way to anything but loopback."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.needs import CLIENTS, lack, need

#: Where nobody listens. Programs reach loopback without a proxy; whatever else they try fails at once.
_NOWHERE = "http://127.0.0.1:1"


class Station:
    """A folder to run programs in: their home, their working directory, their temporary files."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        home, temporary = folder / "home", folder / "tmp"
        for each in (home, temporary):
            each.mkdir(parents=True, exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ORLOP_", "XDG_", "DOCKER_"))}
        self.environment = {
            **kept,
            "HOME": str(home),
            "TMPDIR": str(temporary),
            "HTTP_PROXY": _NOWHERE,
            "HTTPS_PROXY": _NOWHERE,
            "http_proxy": _NOWHERE,
            "https_proxy": _NOWHERE,
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            **variables,
        }

    def run(self, program: str, *arguments: str | Path, sent: bytes = b"", variables: Mapping[str, str] = {}) -> bytes:
        """Run to the end; the standard output. Fails with all that the program said when it does not end well."""
        command = [need(program)[program], *map(str, arguments)]
        done = self._done(command, sent, variables)
        said = done.stdout[-4000:].decode(errors="replace") + done.stderr[-4000:].decode(errors="replace")
        assert done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}:\n{said}"
        return done.stdout

    def text(self, program: str, *arguments: str | Path, **more: str) -> str:
        """Like `run`, with the output as text, without white space around it. `more` are variables."""
        return self.run(program, *arguments, variables=more).decode().strip()

    def said(self, program: str, *arguments: str | Path) -> str:
        """Like `text`, with what the program wrote to standard error in front of it."""
        return self.text("sh", "-c", 'exec "$@" 2>&1', "sh", need(program)[program], *arguments)

    def refused(
        self, program: str, *arguments: str | Path, sent: bytes = b"", variables: Mapping[str, str] = {}
    ) -> str:
        """Run what must not end well; what the program said."""
        done = self._done([need(program)[program], *map(str, arguments)], sent, variables)
        assert done.returncode != 0, done.stdout
        return (done.stdout + done.stderr).decode(errors="replace")

    def _done(
        self, command: list[str], sent: bytes, variables: Mapping[str, str]
    ) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**self.environment, **variables},
            input=sent,
            capture_output=True,
            timeout=300,
        )


def jib() -> str:
    """The folder with jib-core and what it needs."""
    if not any((CLIENTS / "jib").glob("jib-core-*.jar")):
        lack("not installed: jib-core")
    return str(CLIENTS / "jib")


def go_cache() -> str:
    """Where this machine keeps what it compiled before, so that it need not be compiled again."""
    done = subprocess.run([need("go")["go"], "env", "GOCACHE"], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()
