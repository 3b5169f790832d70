"""The API behind a real socket, in a thread of its own, for clients that speak HTTP."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.api.harness import Api


class Served:
    """An API at `url`, made by `make` in the loop that serves it; `do` runs something in that loop."""

    def __init__(self, make: Callable[[], Awaitable[Api]]) -> None:
        self._make = make
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self.api: Api
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self.do(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.do(self._runner.cleanup())
        self.do(self.api.hooks.close())
        self.api.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def do(self, work: Any) -> Any:
        """What a coroutine gives that runs where the registry is."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _start(self) -> None:
        self.api = await self._make()
        application = web.Application(client_max_size=1 << 24)
        application.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        """ASGI as a server speaks it, for one request."""
        body = await request.read()
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.api.app(
            {
                "type": "http",
                "http_version": "1.1",
                "method": request.method,
                "scheme": "http",
                "path": request.rel_url.path,
                "raw_path": request.rel_url.raw_path.encode(),
                "root_path": "",
                "query_string": request.rel_url.raw_query_string.encode(),
                "headers": [(name.lower(), value) for name, value in request.raw_headers],
                "client": ("127.0.0.1", 40000),
                "server": ("127.0.0.1", 5000),
                "extensions": {},
            },
            receive,
            send,
        )
        start, *rest = sent
        content = b"".join(message.get("body", b"") for message in rest)
        headers = [(name.decode(), value.decode()) for name, value in start["headers"] if name != b"content-length"]
        return web.Response(status=start["status"], headers=headers, body=content)
