"""Servers of the tests' own on loopback, for what real registries never do: lies, cuts, detours."""

import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Seen(NamedTuple):
    """One request as it arrived."""

    method: str
    path: str
    authorization: str | None
    range: str | None


class Loopback:
    """A server that is what its handler makes it."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.seen: list[Seen] = []

    @property
    def url(self) -> str:
        """Its address, with scheme."""
        return f"http://{self.host}"


@asynccontextmanager
async def serving(handler: Handler, certificate: ssl.SSLContext | None = None) -> AsyncGenerator[Loopback, None]:
    """A server on a free port until the block ends."""
    loopback = Loopback("")

    async def noting(request: web.Request) -> web.StreamResponse:
        loopback.seen.append(
            Seen(
                request.method,
                request.path_qs,
                request.headers.get("Authorization"),
                request.headers.get("Range"),
            )
        )
        return await handler(request)

    server = web.Server(noting)
    runner = web.ServerRunner(server, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=certificate)
    await site.start()
    try:
        loopback.host = f"127.0.0.1:{runner.addresses[0][1]}"
        yield loopback
    finally:
        await runner.cleanup()
