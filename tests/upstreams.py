"""Another registry, over real HTTP on loopback, that counts what it is asked and misbehaves as it is told: it cuts,
lies, falls silent, never ends, or waits at some byte until the test lets it go on."""

import asyncio
import hashlib
import json
import re
import threading
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from enum import Enum, auto
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec

from orlop.domain.digest import Digest
from tests.content import Piece, Pushable

#: Bytes of a piece of an answer.
_PIECE = 64 * 1024


class Mode(Enum):
    """What goes wrong with an answer; `at` is the share of its body after which."""

    CUT = auto()
    """The connection breaks."""
    CUT_WRONG = auto()
    """The connection breaks, after other bytes than there are."""
    SHORT = auto()
    """The body ends there, as its Content-Length says."""
    CHUNKED_SHORT = auto()
    """The body ends there, and no Content-Length says anything."""
    WRONG = auto()
    """From there on, and in the last byte at least, it is other bytes, as many."""
    TYPE = auto()
    """It calls itself HTML."""
    BUSY = auto()
    """429, with Retry-After."""
    ERROR = auto()
    """500."""
    AWAY = auto()
    """503."""
    SILENT = auto()
    """Nothing comes from there on; at 0 not even a head."""
    ENDLESS = auto()
    """From there on it never ends, and no Content-Length says anything."""
    MORE = auto()
    """Its Content-Length says twice as much; after the body the connection ends."""
    LOOP = auto()
    """It leads to itself."""
    ELSEWHERE = auto()
    """It leads to `to`."""
    TRICKLE = auto()
    """It comes in a hundred pieces, with 20 ms between them."""
    MISSING = auto()
    """404."""
    UNAUTHORIZED = auto()
    """401, and nothing says how to sign in."""
    FORBIDDEN = auto()
    """403."""
    NO_HEAD = auto()
    """405 for HEAD."""
    NO_LENGTH = auto()
    """Nothing says how long it is; to HEAD neither."""
    NO_DIGEST = auto()
    """Nothing says which digest it has."""
    NO_RANGE = auto()
    """Range is not met: all of it comes."""


class Fault(msgspec.Struct, frozen=True):
    """What goes wrong, where in the body, and how many times."""

    mode: Mode
    at: float = 0.0
    times: int = 1_000_000
    to: str = ""
    retry_after: int = 30


class Asked(NamedTuple):
    """A request."""

    method: str
    path: str
    headers: dict[str, str]

    @property
    def range(self) -> str:
        """What it asks for of the whole."""
        return self.headers.get("range", "")


class Gate:
    """A byte at which answers wait. `reached` is set by the first that does; `open` lets all of them go on."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.reached = threading.Event()
        self._opened = threading.Event()

    def open(self) -> None:
        """From now on nothing waits here."""
        self._opened.set()

    async def wait(self) -> None:
        """Return when an answer waits here."""
        while not self.reached.is_set():  # noqa: ASYNC110 - another thread sets it
            await asyncio.sleep(0.005)

    async def pass_through(self) -> None:
        """Wait until it is open."""
        self.reached.set()
        while not self._opened.is_set():  # noqa: ASYNC110 - another thread opens it
            await asyncio.sleep(0.005)


class Large:
    """As many bytes as wanted, which are made when they are sent."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._line = bytes(range(256)) * (_PIECE // 256 + 1)

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice) -> bytes:
        start, stop, _ = part.indices(self._size)
        first = start % 256
        return self._line[first : first + stop - start]

    def digest(self) -> Digest:
        """Of all of it."""
        state = hashlib.sha256()
        for start in range(0, self._size, _PIECE):
            state.update(self[start : start + _PIECE])
        return Digest(f"sha256:{state.hexdigest()}")


class _Reply(msgspec.Struct):
    status: int
    headers: dict[str, str]
    body: bytes | Large = b""


class UpstreamRegistry:
    """What it holds, what it was asked, and what goes wrong; all of it may be changed while it runs."""

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[Asked] = []
        self._manifests: dict[tuple[str, str], Piece] = {}
        self._blobs: dict[tuple[str, Digest], Piece] = {}
        self._large: dict[str, Large] = {}
        self._referrers: dict[tuple[str, str], list[Pushable]] = defaultdict(list)
        self._faults: list[list[object]] = []
        self._gates: dict[str, Gate] = {}
        self.connections: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """With scheme, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    # --- what it holds ---

    def push(self, repository: str, what: Pushable, *tags: str) -> None:
        """Hold a manifest and everything that it needs."""
        for each in what.everything():
            self._manifests[repository, each.digest] = each.piece
            for piece in each.blobs:
                self._blobs[repository, piece.digest] = piece
            subject = each.manifest.subject
            if subject is not None:
                self._referrers[repository, subject].append(each)
        for tag in tags:
            self._manifests[repository, tag] = what.piece

    def push_blob(self, repository: str, piece: Piece) -> None:
        """Hold a blob that no manifest names."""
        self._blobs[repository, piece.digest] = piece

    def push_large(self, digest: Digest, content: Large) -> None:
        """Hold a blob, in every repository, that is larger than memory should be asked for."""
        self._large[digest] = content

    def untag(self, repository: str, tag: str) -> None:
        """Not to have a tag any more."""
        del self._manifests[repository, tag]

    # --- what goes wrong ---

    def misbehave(self, end: str, fault: Fault, method: str = "") -> None:
        """Have it happen to requests whose path ends so, of that method if one is named."""
        self._faults.append([end, method, fault, fault.times])

    def behave(self) -> None:
        """From now on nothing goes wrong."""
        self._faults.clear()

    def gate(self, end: str, at: int) -> Gate:
        """Have answers to GET of a path with that end wait when so many bytes of the body are sent."""
        gate = self._gates[end] = Gate(at)
        return gate

    # --- what it was asked ---

    def count(self, method: str = "", part: str = "") -> int:
        """How many requests of a method came for paths with this in them."""
        return len([each for each in self.asked if each.method.startswith(method) and part in each.path])

    def counted(self, method: str = "GET") -> Counter[str]:
        """How often each path was asked for with a method, without what is no content."""
        return Counter(each.path for each in self.asked if each.method == method and each.path != "/v2/")

    def forget(self) -> None:
        """Count from nothing."""
        self.asked.clear()

    # --- how it answers ---

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection."""
        self.connections.add(writer)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while await self._one(reader, writer):
                    pass
        finally:
            self.connections.discard(writer)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        fields = (line.partition(":") for line in lines[1:] if line)
        asked = Asked(method, target, {name.lower(): value.strip() for name, _, value in fields})
        self.asked.append(asked)
        path = target.partition("?")[0]
        fault = self._struck(path, method)
        return await self._send(writer, asked, self._reply(asked, path, fault), fault, path)

    def _struck(self, path: str, method: str) -> Fault | None:
        for entry in self._faults:
            end, only, fault, left = entry
            assert isinstance(end, str)
            assert isinstance(fault, Fault)
            assert isinstance(left, int)
            if path.endswith(end) and (not only or only == method) and left > 0:
                entry[3] = left - 1
                return fault
        return None

    def _reply(self, asked: Asked, path: str, fault: Fault | None) -> _Reply:
        refused = _REFUSED.get(fault.mode) if fault is not None else None
        if fault is not None and refused is not None:
            return _error(*refused, {"Retry-After": str(fault.retry_after)} if refused[0] == 429 else {})
        if fault is not None and fault.mode in {Mode.LOOP, Mode.ELSEWHERE}:
            return _Reply(307, {"Location": fault.to or path})
        if fault is not None and fault.mode is Mode.NO_HEAD and asked.method == "HEAD":
            return _error(405, "UNSUPPORTED", {})
        if path == "/v2/":
            return _Reply(200, {}, b"{}")
        found = re.fullmatch(r"/v2/(.+)/(manifests|blobs|referrers|tags)/(.+)", path)
        if found is None:
            return _error(404, "UNSUPPORTED", {})
        repository, kind, name = found.groups()
        if kind == "manifests":
            piece = self._manifests.get((repository, name))
            if piece is None:
                return _error(404, "MANIFEST_UNKNOWN", {})
            return _Reply(200, {"Content-Type": piece.media_type, "Docker-Content-Digest": piece.digest}, piece.content)
        if kind == "blobs" and name in self._large:
            return _Reply(200, {"Docker-Content-Digest": name}, self._large[name])
        if kind == "blobs":
            held = self._blobs.get((repository, Digest(name)))
            return _error(404, "BLOB_UNKNOWN", {}) if held is None else _ranged(held, asked, fault)
        if kind == "referrers":
            entries = [
                {**each.piece.descriptor(), "artifactType": each.manifest.artifact_type}
                for each in self._referrers[repository, name]
            ]
            index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": entries}
            return _Reply(200, {"Content-Type": _INDEX}, json.dumps(index).encode())
        tags = sorted(tag for where, tag in self._manifests if where == repository and ":" not in tag)
        if not tags:
            return _error(404, "NAME_UNKNOWN", {})
        after = parse_qs(urlsplit(asked.path).query).get("last", [""])[0]
        tags = [tag for tag in tags if tag > after]
        return _Reply(
            200, {"Content-Type": "application/json"}, msgspec.json.encode({"name": repository, "tags": tags})
        )

    async def _send(
        self, writer: asyncio.StreamWriter, asked: Asked, reply: _Reply, fault: Fault | None, path: str
    ) -> bool:
        """Whether the connection goes on."""
        mode, at = (fault.mode, int(len(reply.body) * fault.at)) if fault is not None else (None, 0)
        body, length = reply.body, str(len(reply.body))
        match mode if isinstance(body, bytes) else None:
            case Mode.CUT_WRONG:
                body = bytes(byte ^ 0x55 for byte in body)
            case Mode.WRONG:
                at = min(at, len(body) - 1)
                body = body[:at] + bytes(byte ^ 0x55 for byte in body[at:])
            case Mode.SHORT:
                body, length = body[:at], str(at)
            case Mode.CHUNKED_SHORT:
                body, length = body[:at], ""
            case Mode.ENDLESS | Mode.NO_LENGTH:
                length = ""
            case Mode.MORE:
                length = str(2 * len(body))
            case Mode.TYPE:
                reply.headers["Content-Type"] = "text/html"
            case Mode.NO_DIGEST:
                reply.headers.pop("Docker-Content-Digest", None)
        if mode is Mode.SILENT and not at:
            await asyncio.sleep(3600)
        chunked = not length and asked.method != "HEAD"
        if length:
            reply.headers["Content-Length"] = length
        elif chunked:
            reply.headers["Transfer-Encoding"] = "chunked"
        head = [f"HTTP/1.1 {reply.status} Said", *(f"{name}: {value}" for name, value in reply.headers.items())]
        if not length and not chunked:
            head.append("Connection: close")
        writer.write("\r\n".join([*head, "", ""]).encode())
        if asked.method == "HEAD":
            await writer.drain()
            return bool(length)
        gate = next((gate for end, gate in self._gates.items() if path.endswith(end)), None)
        stop = at if mode in {Mode.CUT, Mode.CUT_WRONG, Mode.SILENT} else len(body)
        piece = max(1, len(body) // 100) if mode is Mode.TRICKLE else _PIECE
        sent = 0
        while sent < stop:
            upto = min(sent + piece, stop)
            if gate is not None and sent <= gate.at < upto:
                if sent < gate.at:
                    upto = gate.at
                else:
                    await writer.drain()
                    await gate.pass_through()
            await _write(writer, body[sent:upto], chunked=chunked)
            sent = upto
            if mode is Mode.TRICKLE:
                await asyncio.sleep(0.02)
        if gate is not None and sent == gate.at:
            await gate.pass_through()
        match mode:
            case Mode.CUT | Mode.CUT_WRONG:
                writer.transport.abort()
                return False
            case Mode.SILENT:
                await asyncio.sleep(3600)
            case Mode.MORE:
                return False
            case Mode.ENDLESS:
                while True:
                    await _write(writer, b"and so on, " * 4096, chunked=True)
        if chunked:
            writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True


_INDEX = "application/vnd.oci.image.index.v1+json"

_REFUSED = {
    Mode.BUSY: (429, "TOOMANYREQUESTS"),
    Mode.ERROR: (500, "UNKNOWN"),
    Mode.AWAY: (503, "UNAVAILABLE"),
    Mode.MISSING: (404, "MANIFEST_UNKNOWN"),
    Mode.UNAUTHORIZED: (401, "UNAUTHORIZED"),
    Mode.FORBIDDEN: (403, "DENIED"),
}


def _error(status: int, code: str, headers: dict[str, str]) -> _Reply:
    body = msgspec.json.encode({"errors": [{"code": code, "message": "as the test wants it"}]})
    return _Reply(status, {"Content-Type": "application/json", **headers}, body)


def _ranged(piece: Piece, asked: Asked, fault: Fault | None) -> _Reply:
    headers = {"Content-Type": "application/octet-stream", "Docker-Content-Digest": str(piece.digest)}
    wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", asked.range)
    if wanted is None or (fault is not None and fault.mode is Mode.NO_RANGE):
        return _Reply(200, headers, piece.content)
    start, last = int(wanted[1]), min(int(wanted[2] or piece.size - 1), piece.size - 1)
    if start >= piece.size:
        return _Reply(416, {"Content-Range": f"bytes */{piece.size}"})
    headers["Content-Range"] = f"bytes {start}-{last}/{piece.size}"
    return _Reply(206, headers, piece.content[start : last + 1])


async def _write(writer: asyncio.StreamWriter, part: bytes, *, chunked: bool) -> None:
    writer.write(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
    await writer.drain()


@contextmanager
def upstream_registry() -> Iterator[UpstreamRegistry]:
    """One that listens on a free port, in a thread of its own, until the block ends."""
    registry = UpstreamRegistry()
    loop = asyncio.new_event_loop()
    ready, ending = threading.Event(), asyncio.Event()

    async def listen() -> None:
        async with _listening(registry):
            ready.set()
            await ending.wait()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(listen())

    thread = threading.Thread(target=run, name="an upstream")
    thread.start()
    try:
        assert ready.wait(30)
        yield registry
    finally:
        loop.call_soon_threadsafe(ending.set)
        thread.join(30)


@asynccontextmanager
async def _listening(registry: UpstreamRegistry) -> AsyncIterator[None]:
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(registry.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    registry.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
