"""A proxy in front of a real S3 server that does to chosen requests what networks and busy stores do."""

import asyncio
import io
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from typing import NamedTuple

import aiohttp
from aiohttp import web
from yarl import URL

_ERROR = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{}</Code><Message>a fault</Message></Error>'


class Mode(Enum):
    """What happens to a request."""

    ERROR = "500, and the store never sees it"
    SLOW_DOWN = "503 SlowDown, and the store never sees it"
    CONFLICT = "409, and the store never sees it"
    LATE = "half a second passes before the store sees it"
    RESET = "the connection is reset, and the store never sees it"
    LOST = "the store does it, and the connection is reset in place of the answer"
    LOST_500 = "the store does it, and the answer is 500"
    PARTIAL = "the store sees half of the body, and then the connection is reset"
    ERROR_IN_200 = "200 with an error for a body, and the store never sees it"
    CUT = "half of the answer's body, and then the connection is reset"
    SHORT = "an answer with half of its body, and a Content-Length to match"


class Fault(NamedTuple):
    """`mode` for the first `times` requests of an operation."""

    operation: str
    mode: Mode
    times: int = 1


class Proxy:
    """Forwards to `upstream`; `fault` is what goes wrong, `seen` how often each operation was asked for."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self.fault: Fault | None = None
        self.struck = 0
        self.seen: Counter[str] = Counter()
        self.endpoint = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        operation = operation_of(request)
        self.seen[operation] += 1
        fault = self.fault
        if fault is None or fault.operation not in {operation, "any"} or self.struck >= fault.times:
            return await self._forwarded(request)
        self.struck += 1
        match fault.mode:
            case Mode.ERROR:
                return web.Response(status=500, text=_ERROR.format("InternalError"), content_type="application/xml")
            case Mode.SLOW_DOWN:
                return web.Response(status=503, text=_ERROR.format("SlowDown"), content_type="application/xml")
            case Mode.CONFLICT:
                return web.Response(status=409, text=_ERROR.format("OperationAborted"), content_type="application/xml")
            case Mode.ERROR_IN_200:
                return web.Response(status=200, text=_ERROR.format("InternalError"), content_type="application/xml")
            case Mode.LATE:
                await asyncio.sleep(0.5)
                return await self._forwarded(request)
            case Mode.PARTIAL:
                await self._half(request)
            case Mode.LOST:
                await self._forwarded(request)
            case Mode.LOST_500:
                await self._forwarded(request)
                return web.Response(status=500, text=_ERROR.format("InternalError"), content_type="application/xml")
            case Mode.CUT | Mode.SHORT:
                return await self._shortened(request, cut=fault.mode is Mode.CUT)
        _reset(request)
        return web.Response()

    async def _forwarded(self, request: web.Request) -> web.Response:
        status, headers, body = await self._ask(request)
        if request.method == "HEAD":
            return web.Response(status=status, headers=headers)  # with the length of what is not sent
        headers = {name: value for name, value in headers.items() if name.lower() != "content-length"}
        return web.Response(status=status, headers=headers, body=body)

    async def _shortened(self, request: web.Request, *, cut: bool) -> web.StreamResponse:
        status, headers, body = await self._ask(request)
        half = body[: len(body) // 2]
        response = web.StreamResponse(status=status, headers=headers)
        response.content_length = len(body) if cut else len(half)
        await response.prepare(request)
        await response.write(half)
        if cut:
            _reset(request)
        return response

    async def _ask(self, request: web.Request) -> tuple[int, dict[str, str], bytes]:
        body = await request.read()
        # The signature covers the Host that the client named, and the path as it wrote it.
        url = URL(self._upstream + request.raw_path, encoded=True)
        headers = {
            name: value for name, value in request.headers.items() if name.lower() not in {"expect", "connection"}
        }
        async with (
            aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=["User-Agent", "Accept"]) as session,
            session.request(request.method, url, headers=headers, data=io.BytesIO(body) if body else None) as answer,
        ):
            kept = {
                name: value
                for name, value in answer.headers.items()
                if name.lower() not in {"transfer-encoding", "connection", "date", "server"}
            }
            return answer.status, kept, await answer.read()

    async def _half(self, request: web.Request) -> None:
        body = await request.read()
        url = URL(self._upstream)
        assert url.host is not None
        reader, writer = await asyncio.open_connection(url.host, url.port)
        head = [f"{request.method} {request.raw_path} HTTP/1.1"]
        head += [f"{name}: {value}" for name, value in request.headers.items() if name.lower() != "expect"]
        writer.write("\r\n".join([*head, "", ""]).encode() + body[: len(body) // 2])
        await writer.drain()
        transport = writer.transport
        transport.abort()
        reader.feed_eof()


def operation_of(request: web.Request) -> str:
    """The S3 operation of a request, as the driver names it."""
    query, method = request.query, request.method
    is_copy = "x-amz-copy-source" in request.headers
    match method:
        case "PUT":
            return ("upload_part_copy" if "uploadId" in query else "copy_object") if is_copy else "put_object"
        case "POST":
            names = {"uploads": "create_multipart_upload", "delete": "delete_objects"}
            return next((name for key, name in names.items() if key in query), "complete_multipart_upload")
        case "DELETE":
            return "abort_multipart_upload" if "uploadId" in query else "delete_object"
        case "HEAD":
            return "head_object"
    if "list-type" in query:
        return "list_objects_v2"
    return "list_multipart_uploads" if "uploads" in query else "get_object"


def _reset(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


@asynccontextmanager
async def proxy(upstream: str) -> AsyncIterator[Proxy]:
    """A proxy on a free port of loopback."""
    made = Proxy(upstream)
    application = web.Application(client_max_size=64 * 1024 * 1024)
    application.router.add_route("*", "/{path:.*}", made.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.endpoint = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()
