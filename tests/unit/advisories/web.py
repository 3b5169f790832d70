"""A server of the web that gives files with their ETag, and keeps what it was asked for (RFC 9110 section 13)."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web as server


class Web:
    """`files` and `redirects` by path; `asked`: path and headers of each request."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.redirects: dict[str, str] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.port = 0

    async def answer(self, request: server.Request) -> server.Response:
        """One request."""
        self.asked.append((request.path, dict(request.headers)))
        if request.path in self.redirects:
            return server.Response(status=302, headers={"Location": self.redirects[request.path]})
        body = self.files.get(request.path)
        if body is None:
            return server.Response(status=404)
        etag = f'"{hashlib.sha256(body).hexdigest()}"'
        if request.headers.get("If-None-Match") == etag:
            return server.Response(status=304, headers={"ETag": etag})
        return server.Response(body=body, headers={"ETag": etag})


@asynccontextmanager
async def web(files: dict[str, bytes]) -> AsyncIterator[Web]:
    """Listens on loopback until the block ends."""
    made = Web(files)
    runner = server.ServerRunner(server.Server(made.answer))
    await runner.setup()
    site = server.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.port = runner.addresses[0][1]
    try:
        yield made
    finally:
        await runner.cleanup()
