"""Real registries on loopback for the client to talk to, each with a port and a folder of its own."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.needs import need

_START_SECONDS = 30.0


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def distribution(
    folder: Path, program: str = "docker-registry", *, auth: Mapping[str, object] | None = None
) -> Iterator[str]:
    """Debian's docker-registry (distribution 2.8), or `registry` (distribution 3), on `folder`; gives `host:port`."""
    program = need(program)[program]
    port = free_port()
    config = folder / "config.yml"
    config.write_text(
        "version: 0.1\n"
        "log: {level: error, accesslog: {disabled: true}}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder / 'store'}}}, delete: {{enabled: true}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n" + (f"auth: {json.dumps(auth)}\n" if auth else "")
    )
    with _running([program, "serve", str(config)], folder, port, {"OTEL_TRACES_EXPORTER": "none"}) as host:
        yield host


@contextmanager
def zot(folder: Path) -> Iterator[str]:
    """zot on `folder`; gives `host:port`."""
    program = need("zot")["zot"]
    port = free_port()
    config = folder / "config.json"
    settings = {
        "distSpecVersion": "1.1.1",
        "storage": {"rootDirectory": str(folder / "store")},
        "http": {"address": "127.0.0.1", "port": str(port)},
        "log": {"level": "error", "output": str(folder / "zot.log")},
    }
    config.write_text(json.dumps(settings))
    with _running([program, "serve", str(config)], folder, port, {}) as host:
        yield host


@contextmanager
def orlop(folder: Path) -> Iterator[str]:
    """Orlop itself, open to everybody on loopback; gives `host:port`."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "orlop",
        "serve",
        "--open",
        "--data",
        str(folder / "data"),
        "--listen",
        f"127.0.0.1:{port}",
    ]
    with _running(command, folder, port, {}) as host:
        yield host


@contextmanager
def _running(command: list[str], folder: Path, port: int, environment: dict[str, str]) -> Iterator[str]:
    log = folder / "peer.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output, env={**os.environ, **environment})
        try:
            _await_ready(process, port, log)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def _await_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=2):
                return
        except urllib.error.HTTPError as answered:
            answered.close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"{process.args!r} did not start:\n{log.read_text(errors='replace')[-2000:]}")
