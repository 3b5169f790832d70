"""A server as a process on a free port of loopback, which is ready before anybody uses it and ends when asked."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

#: Seconds until a server must be ready, and must have ended.
_READY = 300.0
_END = 40.0
_POLL = 0.005


class Running(NamedTuple):
    """A server that answers. `ready_after` is the time from its start to its first answer, in seconds."""

    name: str
    port: int
    pid: int
    ready_after: float
    authorization: str = ""
    """What a client sends to be let in; empty where anybody is."""

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"


class ServerFailed(Exception):
    """A server did not start; the message ends with what it wrote last."""


def free_port() -> int:
    """A port that nobody uses at this moment."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


@contextmanager
def started(
    name: str,
    command: Sequence[str],
    port: int,
    folder: Path,
    *,
    ready: str,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """Run a server until the block ends. Its outputs go to files in `folder`; `ready` is a path that it answers."""
    with (folder / "stdout.log").open("wb") as out, (folder / "stderr.log").open("wb") as errors:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=out, stderr=errors, stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})}
        )
        try:
            _wait(process, port, ready, folder)
            yield Running(name, port, process.pid, time.perf_counter() - began)
        finally:
            _stop(process)


def _wait(process: subprocess.Popen[bytes], port: int, ready: str, folder: Path) -> None:
    end = time.monotonic() + _READY
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        if _answers(port, ready):
            return
        time.sleep(_POLL)
    last = (folder / "stderr.log").read_text(errors="replace") + (folder / "stdout.log").read_text(errors="replace")
    raise ServerFailed(f"{process.args!r} did not get ready: {last[-2000:]}")


def _answers(port: int, path: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            return connection.recv(12).startswith((b"HTTP/1.1 200", b"HTTP/1.1 404"))
    except OSError:
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(_END)


def children(pid: int) -> list[int]:
    """The direct children of a process: the workers of a supervisor."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(each) for each in text.split()]
