"""HTTP as bytes on a socket: for requests that no client library would send, and for answers exactly as they came."""

import select
import socket
import time
from types import TracebackType
from typing import Self

from tests.wire.answer import Answer

#: How long anything may take here, in seconds.
PATIENCE = 30.0


class Gone(Exception):
    """The server closed the connection before a whole answer was there."""


class Connection:
    """One connection. Every wait on it is bounded."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._received.close()
        self.socket.close()

    def send(self, content: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(content)

    def request(self, method: str, target: str, *lines: str, body: bytes = b"") -> None:
        """Send a request with a Host and, where there is a body, its length."""
        self.send(head(method, target, *lines, *([f"content-length: {len(body)}"] if body else [])) + body)

    def ask(self, method: str, target: str, *lines: str, body: bytes = b"") -> Answer:
        """Send a request and read its answer."""
        self.request(method, target, *lines, body=body)
        return self.answer(method)

    def answer(self, method: str = "GET") -> Answer:
        """Read one answer. Raises Gone."""
        try:
            return self._answer(method)
        except ConnectionError as cause:
            raise Gone(str(cause)) from cause

    def _answer(self, method: str) -> Answer:
        status_line = self._received.readline(65_536)
        if not status_line.endswith(b"\r\n"):
            raise Gone(f"instead of a status line: {status_line!r}")
        version, status, *_ = status_line.split(b" ", 2)
        assert version in {b"HTTP/1.1", b"HTTP/1.0"}
        headers: list[tuple[str, str]] = []
        while (line := self._received.readline(65_536)) != b"\r\n":
            if not line.endswith(b"\r\n"):
                raise Gone(f"in the middle of the headers: {line!r}")
            name, _, value = line[:-2].decode("latin-1").partition(":")
            headers.append((name.lower(), value.strip()))
        found = Answer(int(status), tuple(headers), b"")
        if method == "HEAD" or found.status in {204, 304} or found.status < 200:
            return found
        length = found.header("content-length")
        body = self._received.read(int(length)) if length else self._received.read()
        if length and len(body) < int(length):
            raise Gone(f"{len(body)} of {length} bytes")
        return Answer(found.status, found.headers, body)

    def closed(self, within: float = PATIENCE) -> bool:
        """Whether the server closes the connection, with nothing more to say."""
        self.socket.settimeout(within)
        try:
            return self._received.read(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    def flood(self, piece: bytes, most: int) -> int:
        """Send `piece` again and again until the server answers, hangs up, or `most` bytes went out; how many did."""
        sent = 0
        deadline = time.monotonic() + PATIENCE
        self.socket.setblocking(False)
        try:
            while sent < most and time.monotonic() < deadline:
                readable, writable, _ = select.select([self.socket], [self.socket], [], 1.0)
                if readable:
                    break
                if writable:
                    # Whole pieces, so that chunks stay chunks.
                    rest = memoryview(piece)
                    while rest and time.monotonic() < deadline:
                        select.select([], [self.socket], [], 1.0)
                        try:
                            gone = self.socket.send(rest)
                        except BlockingIOError:
                            if select.select([self.socket], [], [], 0)[0]:
                                return sent
                            continue
                        sent += gone
                        rest = rest[gone:]
        except ConnectionError:
            return sent
        finally:
            self.socket.settimeout(PATIENCE)
        return sent

    def finish_sending(self) -> None:
        """Close our half: nothing more will come."""
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """End the connection the rude way."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self._received.close()
        self.socket.close()


def head(method: str, target: str, *lines: str) -> bytes:
    """The head of a request."""
    return "\r\n".join([f"{method} {target} HTTP/1.1", "host: localhost", *lines, "", ""]).encode("latin-1")
