"""What stands between a registry and its upstream, and does what networks and busy registries do."""

import asyncio
import threading
from enum import Enum
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import web

#: Headers that are of one connection.
_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "host"})


class Mood(Enum):
    """What becomes of a request."""

    FINE = "it is passed on"
    BUSY = "429, and the upstream never sees it"
    ILL = "503, and the upstream never sees it"
    SILENT = "nothing ever comes back"


class Between:
    """A proxy in a thread of its own, at `url`; `seen` is what was asked for."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._freed = asyncio.Event()
        self.mood = Mood.FINE
        self.headers: dict[str, str] = {}
        self.seen: list[tuple[str, str]] = []
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def fetched(self, what: str) -> list[str]:
        """The targets with such a part that were asked for with GET."""
        return [path for method, path in self.seen if method == "GET" and what in path]

    def _run(self, work: object) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(60)  # type: ignore[arg-type]

    async def _start(self) -> None:
        self._session = aiohttp.ClientSession(auto_decompress=False)
        self._runner = web.ServerRunner(web.Server(self._answer), shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _stop(self) -> None:
        self._freed.set()
        await self._runner.cleanup()
        await self._session.close()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.seen.append((request.method, request.path_qs))
        match self.mood:
            case Mood.BUSY:
                return web.Response(status=429, headers={"Retry-After": "30", **self.headers})
            case Mood.ILL:
                return web.Response(status=503)
            case Mood.SILENT:
                await self._freed.wait()
                return web.Response(status=503)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        async with self._session.request(
            request.method, f"{self._upstream}{request.path_qs}", headers=headers, allow_redirects=False
        ) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
            if request.method == "HEAD":
                return web.Response(status=answer.status, headers=kept | self.headers)
            return web.Response(status=answer.status, headers=kept | self.headers, body=await answer.read())
