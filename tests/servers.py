"""Orlop as a program: `orlop serve` as a process of its own on a free port, ended by its process id."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

#: The command, with every warning an error but one: the metrics library leaves its files open until the process ends.
ORLOP = [sys.executable, "-W", "error", "-W", "ignore::ResourceWarning", "-m", "orlop"]

_START_SECONDS = 60.0
_STOP_SECONDS = 45.0


#: Ports that were given out: what is not listened on yet is free to the system, and two servers must not share one.
_GIVEN: set[int] = set()


def free_port() -> int:
    """A port of loopback that nobody listens on now, and another one each time."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port not in _GIVEN:
            _GIVEN.add(port)
            return port


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with `variables`, and without any setting of Orlop that stands in it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ORLOP_")}
    return {**kept, **variables}


def variables(settings: Mapping[str, Any]) -> dict[str, str]:
    """Settings as Orlop reads them from the environment: `gc_grace="1h"` is `ORLOP_GC_GRACE=1h`."""
    texts = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in settings.items()}
    return {f"ORLOP_{name.upper()}": text for name, text in texts.items()}


class OrlopServer:
    """A server in `folder`: its data, its log, and whatever it drops. Started and stopped any number of times."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()
        self.log = folder / "server.log"
        self.access_log = folder / "access.log"
        self._variables = variables({"open": True, "data": self.data, "listen": self.address, **settings})
        self._process: subprocess.Popen[bytes] | None = None
        #: Where the program is imported from, if not from where the tests import it: another release.
        self.program: Path | None = None

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """With scheme, without a slash at the end."""
        return f"http://{self.address}"

    @property
    def pid(self) -> int:
        """The process id of the supervisor, which is also the id of the group of all processes of the server."""
        assert self._process is not None, "the server was not started"
        return self._process.pid

    def workers(self) -> list[int]:
        """The process ids of the workers alive."""
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    @property
    def is_running(self) -> bool:
        """Whether the supervisor has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start and wait until it is ready."""
        temporary = self.folder / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log, self.access_log.open("ab") as access_log:
            self._process = subprocess.Popen(
                [*ORLOP, "serve"],
                cwd=self.folder,
                env=self.environment() | {"TMPDIR": str(temporary)},
                stdin=subprocess.DEVNULL,
                stdout=access_log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"the server did not start:\n{self.log_text()[-4000:]}")
            time.sleep(0.02)

    def environment(self) -> dict[str, str]:
        """What it runs with, for commands beside it."""
        return environment(self._variables | ({"PYTHONPATH": str(self.program)} if self.program else {}))

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def stop(self) -> int:
        """End it as an operator does, requests under way included; its exit code."""
        assert self._process is not None, "the server was not started"
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server did not stop:\n{self.log_text()[-4000:]}") from None

    def kill(self) -> None:
        """End every process of it at once, as a power cut does; does nothing when it is not running."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):  # all of them ended already
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)

    def processes(self) -> list[int]:
        """The process ids of the supervisor and its workers; what reads layers comes and goes."""
        return [self.pid, *self.workers()]

    def busy_seconds(self) -> float:
        """The processor time that its processes took, which unlike the time of day no neighbour can lengthen."""
        ticks = 0
        for process in self.processes():
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])  # utime and stime: proc(5)
        return ticks / os.sysconf("SC_CLK_TCK")

    def resident(self) -> dict[int, int]:
        """Bytes of memory of its own that each process holds now: resident, without pages of files."""
        return self._memory("RssAnon")

    def peak_memory(self) -> dict[int, int]:
        """The most that each process ever held in memory, in bytes."""
        return self._memory("VmHWM")

    def _memory(self, what: str) -> dict[int, int]:
        sizes: dict[int, int] = {}
        for process in self.processes():
            with suppress(OSError):  # one that ended since it was listed holds nothing
                status = Path(f"/proc/{process}/status").read_text()
                lines = dict(line.split(":", 1) for line in status.splitlines())
                sizes[process] = int(lines.get(what, "0 kB").split()[0]) * 1024
        return sizes

    def log_text(self) -> str:
        """What it wrote to standard error."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def errors(self) -> list[str]:
        """Lines of the log that should not be there: errors, and what is no log entry, such as a traceback."""
        wrong = []
        for line in self.log_text().splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                wrong.append(line)
                continue
            if entry.get("level") in {"error", "critical"} or "exception" in entry:
                wrong.append(line)
        return wrong

    def verify(self) -> dict[str, Any]:
        """`orlop verify`, on the live or the stopped server; its report. Fails when it finds anything wrong."""
        report: dict[str, Any] = self._maintained("verify")
        assert report["findings"] == []
        return report

    def audit(self) -> dict[str, Any]:
        """`orlop audit verify`, on the live or the stopped server; its report. Fails when it finds anything wrong."""
        report: dict[str, Any] = self._maintained("audit", "verify")
        assert report["findings"] == []
        return report

    def collect(self) -> dict[str, Any]:
        """`orlop gc`, on the live or the stopped server; what it did."""
        report: dict[str, Any] = self._maintained("gc")
        return report

    def migrate(self) -> list[dict[str, Any]]:
        """`orlop migrate run`; the steps that it took."""
        steps: list[dict[str, Any]] = self._maintained("migrate", "run")
        return steps

    def _maintained(self, *command: str) -> Any:
        done = subprocess.run(
            [*ORLOP, *command, "--json"],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, (
            f"orlop {' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        )
        return json.loads(done.stdout)


@contextmanager
def orlop_server(folder: Path, **settings: Any) -> Iterator[OrlopServer]:
    """A server that is ready. Settings are named like their variables: `catalog_url="memory"`, `workers=2`.

    When the block ends well, the server must end well too, and must not have logged an error.
    """
    folder.mkdir(parents=True, exist_ok=True)
    server = OrlopServer(folder, settings)
    try:
        server.start()
        yield server
        if server.is_running:
            assert server.stop() == 0, server.log_text()[-4000:]
        assert server.errors() == []
    finally:
        server.kill()
