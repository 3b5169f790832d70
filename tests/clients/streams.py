"""Blobs too large to keep: made piece by piece, pushed and pulled over plain HTTP."""

import hashlib
import http.client
import json
import struct
from collections.abc import Iterator
from typing import NamedTuple

from tests.servers import OrlopServer

PIECE = 1 << 20
_TIMEOUT = 120.0


class Large(NamedTuple):
    """So many pieces, no two alike: each begins with its number, the rest is zeros."""

    pieces: int

    @property
    def size(self) -> int:
        """In bytes."""
        return self.pieces * PIECE

    def stream(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` on, to before `end`."""
        end = self.size if end is None else end
        rest = bytes(PIECE - 8)
        while start < end:
            number, skipped = divmod(start, PIECE)
            piece = struct.pack(">Q", number) + rest
            if skipped or end - start < PIECE:
                piece = piece[skipped : skipped + end - start]
            yield piece
            start += len(piece)

    def digest(self) -> str:
        """Of the whole."""
        state = hashlib.sha256()
        for piece in self.stream():
            state.update(piece)
        return f"sha256:{state.hexdigest()}"


class Answer(NamedTuple):
    """A response without a body worth keeping; header names are in lower case."""

    status: int
    headers: dict[str, str]

    @property
    def offset(self) -> int:
        """How many bytes of an upload the registry has, from its `Range: 0-N`."""
        last = self.headers["range"].removeprefix("0-")
        return 0 if last == "0" else int(last) + 1


def ask(server: OrlopServer, method: str, target: str, body: Iterator[bytes] | None = None, **headers: str) -> Answer:
    """One request. Underscores in names of `headers` stand for hyphens; without Content-Length a body is chunked."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=_TIMEOUT)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None and "Content-Length" not in named:
            named["Transfer-Encoding"] = "chunked"
        connection.request(method, target, body, named, encode_chunked="Transfer-Encoding" in named)
        with connection.getresponse() as answer:
            answer.read()
            return Answer(answer.status, _lower(answer.headers))
    finally:
        connection.close()


def pulled_digest(server: OrlopServer, repository: str, digest: str) -> tuple[int, str]:
    """Pull a blob: its size and what it hashes to."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=_TIMEOUT)
    try:
        connection.request("GET", f"/v2/{repository}/blobs/{digest}")
        with connection.getresponse() as answer:
            assert answer.status == 200
            state, size, buffer = hashlib.sha256(), 0, bytearray(PIECE)
            while count := answer.readinto(buffer):
                state.update(memoryview(buffer)[:count])
                size += count
        return size, f"sha256:{state.hexdigest()}"
    finally:
        connection.close()


def copies(server: OrlopServer) -> dict[str, int]:
    """How many files of the blob folder there are for each digest."""
    found: dict[str, int] = {}
    for copy in (server.data / "blobs").glob("*/*/*"):
        digest = f"{copy.parents[1].name}:{copy.stem}"
        found[digest] = found.get(digest, 0) + 1
    return found


def requests(server: OrlopServer, method: str, path: str) -> list[int]:
    """The statuses of the requests with this method, below this path, as far as the access log is written."""
    entries = [json.loads(line) for line in server.access_log.read_text().splitlines(keepends=True) if line[-1] == "\n"]
    return [entry["status"] for entry in entries if entry["method"] == method and entry["path"].startswith(path)]


def _lower(headers: http.client.HTTPMessage) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
