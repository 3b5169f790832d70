"""The servers that a document starts: each with the flags that stand there, on the port that stands for theirs."""

import os
import random
import re
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from tests.docs.blocks import promised, tidy
from tests.scanning.adapter import Adapter, finding

_PLACE = re.compile(r"\b(localhost|127\.0\.0\.1):(\d{4,5})\b")
#: A command that starts a server, perhaps with variables before it.
_SERVE = re.compile(r"((?:ORLOP_[A-Z_]+=\S+ )*)(orlop serve.*)", re.DOTALL)
_MAKE = re.compile(r"((?:ORLOP_[A-Z_]+=\S+ )*)make serve(?: ARGS=\"(.*)\")?")
_DEFAULT = "127.0.0.1:5000"
_START_SECONDS = 60.0
_STOP_SECONDS = 45.0


def _free_port(digits: int) -> int:
    """A port of so many digits that nobody listens on now: columns of output shall be as wide as they are written."""
    for _ in range(1000):
        port = random.randrange(max(1024, 10 ** (digits - 1)), min(10**digits, 1 << 15))
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError(f"no port of {digits} digits is free")


class Ports:
    """A free port for every port of this machine that a document speaks of."""

    def __init__(self) -> None:
        self._ports: dict[str, int] = {}

    def rewritten(self, text: str) -> str:
        """Text of the document, fit to be run here."""

        def place(match: re.Match[str]) -> str:
            return f"{match[1]}:{self._port(match[2])}"

        return _PLACE.sub(place, text)

    def _port(self, written: str) -> int:
        if written not in self._ports:
            self._ports[written] = _free_port(len(written))
        return self._ports[written]

    def restored(self, text: str) -> str:
        """Output, as the document has it."""
        for written, actual in self._ports.items():
            text = re.sub(rf"\b(localhost|127\.0\.0\.1):{actual}\b", rf"\1:{written}", text)
        return text


def _right(adapter: Adapter) -> None:
    assert adapter.wrong == []


class Servers:
    """Starts servers in `folder`, and ends them all."""

    def __init__(self, folder: Path, environment: Mapping[str, str], ports: Ports) -> None:
        self._folder = folder
        self._environment = environment
        self._ports = ports
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._adapters = ExitStack()

    def start(self, command: str, expected: tuple[str, ...], log: Path) -> str:
        """Start `orlop serve …` or `make serve`; what it said until it said what was expected, or all of it.

        A server that runs on the same port is ended before: its reader has pressed Ctrl-C.
        """
        made = _MAKE.fullmatch(command)
        if made:
            command = f"{made[1]}orlop serve {made[2] or ''}".strip()
        serve = _SERVE.fullmatch(command)
        assert serve, f"{command!r} starts no server that is known here"
        found = _PLACE.search(command)
        written = found[0] if found else _DEFAULT
        variables = {"ORLOP_LOG_FORMAT": "console", "ORLOP_LISTEN": self._ports.rewritten(written)}
        if found:
            del variables["ORLOP_LISTEN"]
        port = written.rpartition(":")[2]
        self._stop(port)
        with log.open("wb") as output:
            process = self._running[port] = subprocess.Popen(
                ["bash", "-c", f"{serve[1]}exec {self._ports.rewritten(serve[2])}"],
                cwd=self._folder,
                env={**self._environment, **variables},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=output,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while True:
            said = self._ports.restored(tidy(log.read_text(errors="replace")))
            if promised(expected).match(said) or process.poll() is not None or time.monotonic() > deadline:
                return said
            time.sleep(0.05)

    def ensure(self, written: str, log: Path) -> None:
        """Start a server on this address unless the document has started one."""
        if written.rpartition(":")[2] not in self._running:
            said = self.start(f"orlop serve --open --listen {written}", ("Orlop …",), log)
            assert said.startswith("Orlop "), said

    def adapter(self, written: str) -> None:
        """Start the adapter of a scanner on this address."""
        adapter = Adapter()
        adapter.name, adapter.version, adapter.waits = "Trivy", "0.58.0", 0
        adapter.found = [
            finding("CVE-2026-1234", "libssl3", "High", "3.0.14-1") | {"version": "3.0.11-1~deb12u2"},
            finding("CVE-2026-5678", "bash", "Low", "") | {"version": "5.2.15-2+b2"},
        ]
        self._adapters.enter_context(adapter.listening(int(self._ports.rewritten(written).rpartition(":")[2])))
        self._adapters.callback(lambda: _right(adapter))

    def end(self, written: str) -> None:
        """End the server on this address, which the document has started."""
        port = written.rpartition(":")[2]
        assert port in self._running, f"no server runs on {written}"
        self._stop(port)

    def _stop(self, port: str) -> None:
        process = self._running.pop(port, None)
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(_STOP_SECONDS) == 0, "a server did not end well"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def stop(self) -> None:
        """End all of them, as an operator does."""
        self._adapters.close()
        for port in list(self._running):
            self._stop(port)
