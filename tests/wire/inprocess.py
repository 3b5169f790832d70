"""The whole application of a worker, driven as an ASGI server drives it, without a socket: fast and exact."""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import unquote

import msgspec

from orlop.bootstrap.server.application import application_on
from orlop.bootstrap.stores.catalogs import Siblings
from orlop.bootstrap.stores.opening import Stores, open_stores, prepare
from orlop.config import Settings
from orlop.config.settings import BlobStore, CatalogStore, Log
from orlop.faces.app import RootApp
from orlop.server import WorkerContext
from tests.content import Piece, Pushable
from tests.wire.answer import Answer

T = TypeVar("T")

#: No request of these tests may take longer, in seconds.
PATIENCE = 30.0

Lines = Sequence[tuple[str, str]]


class Interrupted:
    """Stands at the end of a body whose client went away."""


class InProcess:
    """An open registry in this process; `ask` sends it one request. Stores in `folder`, or in memory without one."""

    def __init__(self, folder: Path | None = None, **changes: Any) -> None:
        given: dict[str, Any] = {"open": True, "log": Log(access=False)}
        if folder is None:
            given |= {"catalog": CatalogStore("memory"), "blobs": BlobStore("memory")}
        else:
            given["data"] = folder
        self.settings = msgspec.structs.replace(Settings(), **(given | changes))
        self._runner = asyncio.Runner()
        self.stores: Stores
        self._app: RootApp
        self.answered_at_once = 0
        self._closing: asyncio.Event
        self._life: asyncio.Task[None]

    def __enter__(self) -> Self:
        self._runner.run(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.run(self._stop())
        self._runner.close()

    def ask(
        self,
        method: str,
        target: str,
        body: bytes | Iterable[bytes | Interrupted] = b"",
        headers: Lines = (),
    ) -> Answer:
        """The answer to one request. A body of bytes brings its Content-Length, unless one is given; pieces do not."""
        return self._runner.run(asyncio.wait_for(self.asked(method, target, body, headers), PATIENCE))

    def run(self, work: Awaitable[T]) -> T:
        """Do something to the stores, on this application's own loop."""

        async def done() -> T:
            return await work

        return self._runner.run(asyncio.wait_for(done(), PATIENCE))

    def push(self, repository: str, what: Pushable, *tags: str) -> None:
        """Push a manifest after everything that it needs."""
        for pushable in what.everything():
            for piece in pushable.blobs:
                self.push_blob(repository, piece)
            for reference in tags if pushable is what and tags else (pushable.digest,):
                put = self.ask(
                    "PUT",
                    f"/v2/{repository}/manifests/{reference}",
                    pushable.content,
                    [("content-type", pushable.media_type)],
                )
                assert put.status == 201, put

    def push_blob(self, repository: str, piece: Piece) -> None:
        """Push a blob in one request."""
        posted = self.ask("POST", f"/v2/{repository}/blobs/uploads/?digest={piece.digest}", piece.content)
        assert posted.status == 201, posted

    def session(self, repository: str) -> str:
        """Begin an upload with no bytes yet; the path of the session."""
        ticket = self.ask("POST", f"/v2/{repository}/blobs/uploads/").header("location")
        return self.ask("PATCH", ticket).header("location")

    async def asked(
        self, method: str, target: str, body: bytes | Iterable[bytes | Interrupted] = b"", headers: Lines = ()
    ) -> Answer:
        """`ask`, for several at once on this application's own loop."""
        lines = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        names = {name for name, _ in lines}
        lines = lines if b"host" in names else [(b"host", b"localhost:5000"), *lines]
        if isinstance(body, bytes):
            if (body or method in {"POST", "PUT", "PATCH"}) and not names & {b"content-length", b"transfer-encoding"}:
                lines.append((b"content-length", b"%d" % len(body)))
            body = [body]
        elif b"content-length" not in names:
            lines.append((b"transfer-encoding", b"chunked"))
        path, _, query = target.partition("?")
        sent: list[dict[str, Any]] = []

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": unquote(path, errors="replace"),
            "raw_path": path.encode("latin-1"),
            "query_string": query.encode("latin-1"),
            "headers": lines,
            "client": ("127.0.0.1", "40000"),
            "extensions": {},
        }
        whole = self._app.at_once(scope)
        if whole is not None:
            self.answered_at_once += 1
            status, fields, content = whole
            named = [line.partition(b": ")[::2] for line in fields.split(b"\r\n")[:-1]]
            return _answer([{"status": status, "headers": named}, {"body": content}])
        await self._app(scope, _Body(body).receive, send)
        return _answer(sent)

    def together(self, *requests: tuple[Any, ...]) -> list[Answer]:
        """The answers to several requests that are under way at the same time; each is the arguments of `ask`."""

        async def all_of_them() -> list[Answer]:
            return await asyncio.gather(*(self.asked(*request) for request in requests))

        return self._runner.run(asyncio.wait_for(all_of_them(), PATIENCE))

    async def _start(self) -> None:
        await asyncio.to_thread(prepare, self.settings)
        counts, access_counts, settings_counts, known_counts = [0], [0], [0], [0]
        self.stores = open_stores(self.settings, Siblings(counts, 0, access_counts, settings_counts, known_counts))
        context = WorkerContext(1, lambda: False, counts, access_counts, settings_counts, known_counts)
        self._app = application_on(self.stores, self.settings, context)
        self._closing = asyncio.Event()
        started = asyncio.get_running_loop().create_future()
        phases = iter(("lifespan.startup", "lifespan.shutdown"))

        async def receive() -> dict[str, Any]:
            phase = next(phases)
            if phase == "lifespan.shutdown":
                await self._closing.wait()
            return {"type": phase}

        async def send(message: dict[str, Any]) -> None:
            if not started.done():
                started.set_result(message["type"])

        self._life = asyncio.ensure_future(self._app({"type": "lifespan"}, receive, send))
        assert await started == "lifespan.startup.complete"

    async def _stop(self) -> None:
        self._closing.set()
        await self._life


class _Body:
    """What a server hands over: piece after piece, then nothing until the answer is out."""

    def __init__(self, pieces: Iterable[bytes | Interrupted]) -> None:
        self._pieces = iter(pieces)
        self._next = next(self._pieces, None)
        self._ended = False

    async def receive(self) -> dict[str, Any]:
        """See ASGI."""
        if self._ended:
            await asyncio.Event().wait()
        piece, self._next = self._next, next(self._pieces, None)
        if isinstance(piece, Interrupted):
            self._ended = True
            return {"type": "http.disconnect"}
        self._ended = self._next is None
        return {"type": "http.request", "body": piece or b"", "more_body": not self._ended}


def _answer(sent: list[dict[str, Any]]) -> Answer:
    start, *rest = sent
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"])
    return Answer(start["status"], headers, b"".join(message.get("body", b"") for message in rest))
