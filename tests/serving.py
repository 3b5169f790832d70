"""`orlop serve` as a process, on a free loopback port and a temporary folder, and connections to it byte by byte."""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

#: How long anything may take before a test gives up, in seconds: generous, for busy machines.
PATIENCE = 60.0


class Server(NamedTuple):
    """A running server. `errors` is the file with its standard error, `output` that with its standard output."""

    process: subprocess.Popen[bytes]
    port: int
    data: Path
    errors: Path
    output: Path

    def connect(self) -> "Wire":
        """A new connection."""
        return Wire(socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE))

    def ask(self, method: str, target: str, body: bytes = b"", **headers: str) -> "Reply":
        """One request on a connection of its own."""
        with self.connect() as wire:
            return wire.ask(method, target, body, **headers)

    def workers(self) -> list[int]:
        """The process ids of the workers alive."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in children]

    def events(self) -> list[dict[str, object]]:
        """What it logged on standard error so far, as far as that is JSON."""
        return [json.loads(line) for line in self.errors.read_text().splitlines() if line.startswith("{")]


class Reply(NamedTuple):
    """An answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Wire:
    """One connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._buffer = b""

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def send(self, sent: bytes) -> None:
        """Bytes as they are."""
        self.connection.sendall(sent)

    def ask(self, method: str, target: str, body: bytes = b"", **headers: str) -> Reply:
        """A whole request, and its answer. Underscores in names of `headers` stand for hyphens."""
        self.send(head(method, target, content_length=str(len(body)), **headers) + body)
        return self.reply(has_body=method != "HEAD")

    def reply(self, *, has_body: bool = True) -> Reply:
        """The next answer. Raises EOFError when the connection ends before it is whole."""
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        first, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        lines = first.decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        if status == 100:
            return self.reply(has_body=has_body)
        size = int(headers.get("content-length", 0)) if has_body else 0
        while len(self._buffer) < size:
            self._more()
        body, self._buffer = self._buffer[:size], self._buffer[size:]
        return Reply(status, headers, body)

    def ended(self) -> bool:
        """Whether the server closes the connection without another byte; waits for it."""
        try:
            return self.connection.recv(1) == b""
        except ConnectionResetError:
            return True

    def _more(self) -> None:
        received = self.connection.recv(1 << 16)
        if not received:
            raise EOFError(self._buffer)
        self._buffer += received


def head(method: str, target: str, **headers: str) -> bytes:
    """The head of an HTTP/1.1 request. Underscores in names of headers stand for hyphens."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def environment(settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment with these ORLOP_ variables and no others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ORLOP_")}
    return kept | {"PYTHONUNBUFFERED": "1"} | dict(settings or {})


def command(*arguments: str) -> list[str]:
    """The command line of `orlop`."""
    return [sys.executable, "-W", "error", "-m", "orlop", *arguments]


@contextmanager
def serving(
    folder: Path,
    *flags: str,
    settings: Mapping[str, str] | None = None,
    opened: bool = True,
    descriptors: int | None = None,
    program: str | None = None,
) -> Iterator[Server]:
    """A server that keeps everything below `folder`, ended with its workers when the block ends. `descriptors`: how
    many each of its processes may have open. `program`: an `orlop` other than that of these tests."""
    data, errors, output = folder / "data", folder / "errors", folder / "output"
    given = ["--listen", "127.0.0.1:0", "--data", str(data), *(["--open"] if opened else []), *flags]
    started = [program, "serve", *given] if program else command("serve", *given)
    if descriptors is not None:
        started = ["/bin/sh", "-c", f'ulimit -n {descriptors} && exec "$0" "$@"', *started]
    with errors.open("wb") as error_stream, output.open("wb") as output_stream:
        process = subprocess.Popen(started, stdout=output_stream, stderr=error_stream, env=environment(settings))
    try:
        server = Server(process, 0, data, errors, output)
        yield server._replace(port=_port(server))
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


@contextmanager
def alone(worker: int, workers: Iterable[int]) -> Iterator[None]:
    """Whoever connects meanwhile is let in by this worker: the others stand still."""
    others = [each for each in workers if each != worker]
    for other in others:
        os.kill(other, signal.SIGSTOP)
    try:
        yield
    finally:
        for other in others:
            os.kill(other, signal.SIGCONT)


def eventually(what: str, true: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Wait until something is true; AssertionError naming `what` when it does not become so."""
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end, f"not within {patience} seconds: {what}"
        time.sleep(0.02)


def ready(port: int) -> bool:
    """Whether a server on this port of this machine says that it is ready."""
    try:
        with Wire(socket.create_connection(("127.0.0.1", port), timeout=5)) as wire:
            return wire.ask("GET", "/readyz").status == 200
    except (OSError, EOFError):
        return False


def unhurried(seconds: float) -> float:
    """So many seconds of an idle machine, on this one, as busy as it is now."""
    averaged, *_, now, _ = Path("/proc/loadavg").read_text().split()
    running = max(float(averaged), float(now.partition("/")[0]))
    return seconds * max(1.0, 2 * running / (os.cpu_count() or 1))


def until_read(connection: socket.socket) -> None:
    """Wait until the other end, a process of this machine, has read everything that was sent to it."""
    own, other = _shown(connection.getsockname()), _shown(connection.getpeername())

    def is_read() -> bool:
        lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        waiting = {(local, remote): queues.split(":") for _, local, remote, _, queues, *_ in lines}
        (unsent, _), (_, unread) = waiting.get((own, other), ("0", "0")), waiting.get((other, own), ("0", "0"))
        return int(unsent, 16) == int(unread, 16) == 0

    eventually("what was sent is read", is_read)


def _shown(address: tuple[str, int]) -> str:
    """An address as the kernel lists it."""
    (number,) = struct.unpack("=I", socket.inet_aton(address[0]))
    return f"{number:08X}:{address[1]:04X}"


def _port(server: Server) -> int:
    found: list[int] = []

    def announced() -> bool:
        assert server.process.poll() is None, server.errors.read_text()
        urls = [str(event["url"]) for event in server.events() if event.get("event") == "serving"]
        found.extend(int(url.rpartition(":")[2]) for url in urls)
        return bool(found)

    eventually("the server serves", announced)
    return found[0]
