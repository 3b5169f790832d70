"""A real Orlop in processes of its own, for tests over sockets: `with orlop_server() as server: …`."""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

#: How long a server may take to serve and to end, in seconds: generous, because machines that test are busy.
START = 90.0
STOP = 45.0

_STEP = 0.02


class Server:
    """A server that serves. `url` has no slash at its end; `address` is host and port."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, data: Path) -> None:
        self.process = process
        self.pid = process.pid
        self.data = data
        self.standard_output = folder / "output"
        self.standard_error = folder / "error"
        self.url = self._announced()
        self.address = urlsplit(self.url).netloc
        self.host = urlsplit(self.url).hostname or ""
        self.port = urlsplit(self.url).port or 0

    def events(self, *levels: str) -> list[dict[str, Any]]:
        """What it logged to standard error so far, of these levels or of all."""
        return [event for event in _lines(self.standard_error) if not levels or event["level"] in levels]

    def requests(self) -> list[dict[str, Any]]:
        """The requests that it logged so far; the last ones may still be on their way."""
        return _lines(self.standard_output)

    def workers(self) -> list[int]:
        """The ids of its worker processes."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(child) for child in children.split()]

    def resident(self) -> int:
        """The memory of all its processes, in bytes; pages that they share count for each."""
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in (self.pid, *self.workers()))
        return pages * os.sysconf("SC_PAGE_SIZE")

    def _announced(self) -> str:
        """The address it serves, once it says so."""
        deadline = time.monotonic() + START
        while time.monotonic() < deadline:
            for event in _lines(self.standard_error):
                if event.get("event") == "serving":
                    return str(event["url"])
            if self.process.poll() is not None:
                break
            time.sleep(_STEP)
        raise AssertionError(f"the server did not start: {self.standard_error.read_text()[-2000:]}")

    def wait_ready(self) -> None:
        """Wait until /readyz says that it is."""
        if urlsplit(self.url).scheme == "https":
            return  # it announces itself when its workers serve; the certificate is the test's own business
        deadline = time.monotonic() + START
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=START) as answer:
                    assert answer.status == 200
                    return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(_STEP)
        raise AssertionError("the server is not ready")

    def stop(self) -> int:
        """End it as an operator does; its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(STOP)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the server did not end when it was told to") from None


@contextmanager
def orlop_server(
    *,
    workers: int = 1,
    open: bool = True,  # noqa: A002 - the name of the setting
    data: Path | None = None,
    environment: Mapping[str, str] | None = None,
    **settings: str,
) -> Iterator[Server]:
    """Start `orlop serve` on a free port with a folder of its own, yield it when it serves, and stop it.

    `settings` are named as in the environment, in lower case and without the prefix: `limits_body_idle="1s"`. With
    `data` the server uses that folder and leaves it behind.
    """
    with tempfile.TemporaryDirectory(prefix="orlop-test-") as name:
        folder = Path(name)
        data = data or folder / "data"
        command = [sys.executable, "-m", "orlop", "serve", "--listen", "127.0.0.1:0", "--workers", str(workers)]
        command += ["--data", str(data), *(["--open"] if open else [])]
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("ORLOP_")}
        given = {f"ORLOP_{key.upper()}": value for key, value in {"log_format": "json", **settings}.items()}
        with (folder / "output").open("wb") as output, (folder / "error").open("wb") as error:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=error,
                env=inherited | given | dict(environment or {}),
            )
        try:
            server = Server(process, folder, data)
            server.wait_ready()
            yield server
            server.stop()
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(STOP)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def _lines(file: Path) -> list[dict[str, Any]]:
    """The whole lines of a log that are JSON."""
    whole = file.read_text("utf-8", "replace").rpartition("\n")[0]
    return [json.loads(line) for line in whole.split("\n") if line.startswith("{")]
