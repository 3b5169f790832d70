"""A client of HTTP/1.1 on one kept connection: blocking, with nothing between it and the socket.

Made to cost less than any server does, so that it is the server that is measured. It speaks only as much of the
protocol as registries answer: a status line, headers, a body with a Content-Length or in chunks.
"""

import socket
from collections.abc import Iterable
from typing import NamedTuple

from bench.servers.process import Running

_RECEIVE = 1 << 20


class Answer(NamedTuple):
    """A status, headers with lower-case names, and the body."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes


class Refused(Exception):
    """An answer was not the one that the work needs."""


class Connection:
    """One kept connection to a server on loopback, which signs in with each request where the server wants it."""

    def __init__(self, server: Running) -> None:
        self._port = server.port
        self._signed = f"Authorization: {server.authorization}\r\n" if server.authorization else ""
        self._socket = self._connected()
        self._buffer = bytearray(_RECEIVE)
        self._rest = b""

    def _connected(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self._port), timeout=600)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def request(
        self,
        method: str,
        target: str,
        body: Iterable[bytes | memoryview] = (),
        length: int = 0,
        headers: str = "",
        *,
        expect: int,
        keep: bool = True,
    ) -> Answer:
        """One exchange. `length` is that of `body`; with `keep` false the answer's body is received and dropped.

        Raises Refused unless the status is `expect`.
        """
        head = (
            f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nContent-Length: {length}\r\n"
            f"{self._signed}{headers}\r\n"
        )
        if 0 < length <= 65536:
            self._socket.sendall(b"".join([head.encode(), *body]))
        else:
            self._socket.sendall(head.encode())
            for piece in body:
                self._socket.sendall(piece)
        answer = self._answer(method, keep=keep)
        if answer.status != expect:
            raise Refused(f"{method} {target}: {answer.status}, not {expect}: {answer.body[:300]!r}")
        if answer.headers.get(b"connection", b"").lower() == b"close":
            self._socket.close()
            self._socket = self._connected()
        return answer

    def _answer(self, method: str, *, keep: bool) -> Answer:
        received = self._rest
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._more()
        first, *lines = received[:end].split(b"\r\n")
        status = int(first[9:12])
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        self._rest = received[end + 4 :]
        if method == "HEAD" or status in (204, 304):
            return Answer(status, headers, b"")
        if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
            return Answer(status, headers, self._chunks())
        return Answer(status, headers, self._exactly(int(headers.get(b"content-length", b"0")), keep=keep))

    def _more(self) -> bytes:
        piece = self._socket.recv(65536)
        if not piece:
            raise Refused("the server hung up")
        return piece

    def _exactly(self, length: int, *, keep: bool) -> bytes:
        if length <= len(self._rest):
            body, self._rest = self._rest[:length], self._rest[length:]
            return body
        parts = [self._rest]
        missing = length - len(self._rest)
        self._rest = b""
        while missing:
            count = self._socket.recv_into(self._buffer, min(missing, _RECEIVE))
            if not count:
                raise Refused("the server hung up in the middle of a body")
            if keep:
                parts.append(bytes(self._buffer[:count]))
            missing -= count
        return b"".join(parts) if keep else b""

    def _chunks(self) -> bytes:
        parts = []
        while True:
            while (end := self._rest.find(b"\r\n")) < 0:
                self._rest += self._more()
            size = int(self._rest[:end].partition(b";")[0], 16)
            self._rest = self._rest[end + 2 :]
            parts.append(self._exactly(size, keep=True))
            self._exactly(2, keep=True)
            if not size:
                return b"".join(parts)
