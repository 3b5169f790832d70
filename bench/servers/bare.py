"""An ASGI application that does nothing, on the server that Orlop runs on: none in its place can be faster."""

import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.scenes import content
from bench.servers.process import Running, free_port, started
from orlop.faces.cli.settings import load_settings
from orlop.server import serve

NAME = "ASGI alone"

_MANIFEST = next(content.crowd(1))[1][0][1]
_HEADERS = [
    (b"content-type", content.MANIFEST.encode()),
    (b"docker-content-digest", _MANIFEST.digest.encode()),
    (b"etag", f'"{_MANIFEST.digest}"'.encode()),
    (b"content-length", str(len(_MANIFEST.content)).encode()),
]


class Bare:
    """Answers whatever is asked for with one manifest, as ASGI says."""

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        if scope["type"] == "lifespan":
            for phase in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{phase}.complete"})
            return
        body = b"" if scope["method"] == "HEAD" else _MANIFEST.content
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await send({"type": "http.response.body", "body": body})

    def at_once(self, _: dict[str, Any]) -> None:
        """Nothing."""


def main(port: str, folder: str) -> int:
    """Serve it as `orlop serve` would."""
    flags = {"listen": f"127.0.0.1:{port}", "data": folder, "workers": "2"}
    return serve(load_settings(None, flags).settings, lambda _: None, lambda: lambda _settings, _context: Bare())


@contextmanager
def serving(folder: Path) -> Iterator[Running]:
    """The server, with as many workers as Orlop has there; it writes no log of requests."""
    port = free_port()
    command = [sys.executable, "-m", __name__, str(port), str(folder)]
    with started(NAME, command, port, folder, ready="/") as running:
        yield running


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
