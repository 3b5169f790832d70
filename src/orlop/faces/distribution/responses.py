"""Responses as values, and how they go out over ASGI."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from orlop.domain.ranges import Span
from orlop.faces.distribution.body import Receive
from orlop.ports.blobs import BlobContent

Header = tuple[bytes, bytes]
Headers = list[Header]
Send = Callable[[dict[str, Any]], Awaitable[None]]

#: Copies up to this size are read and sent as bytes: cheaper than handing the server a path.
INLINE = 64 * 1024


def header(name: str, value: str) -> Header:
    """A header; the value must be free of line breaks, which everything that parsed is."""
    return name.encode("latin-1"), value.encode("latin-1")


class Response(msgspec.Struct, frozen=True):
    """An answer whose body is in memory, or is not sent because HEAD asked."""

    status: int
    headers: Headers
    body: bytes = b""
    length: int | None = None
    """Content-Length, where it is not that of `body`."""


class PathResponse(msgspec.Struct, frozen=True):
    """An answer whose body is a file that the server reads by itself."""

    status: int
    headers: Headers
    path: str
    length: int


class StreamResponse(msgspec.Struct, frozen=True):
    """An answer whose body is a part of an open copy, which is closed when it is sent."""

    status: int
    headers: Headers
    content: BlobContent
    span: Span


AnyResponse = Response | PathResponse | StreamResponse


async def send_response(
    send: Send,
    receive: Receive,
    response: AnyResponse,
    more: Headers,
    *,
    head: bool,
    linger: Callable[[], Awaitable[None]] | None = None,
) -> int:
    """Send an answer with `more` headers, without its body when `head`; the bytes of body that went out.

    `linger` is awaited while the last byte of an answer in memory is held back, for a client that still sends: with
    the last byte out, the server would close.

    Raises ContentCorrupt when a copy ends early, Unavailable when its store fails; the connection has to be cut then.
    """
    headers = [*response.headers, *more]
    match response:
        case Response():
            body = b"" if head else response.body
            if response.status not in (204, 304):
                length = len(response.body) if response.length is None else response.length
                headers.append((b"content-length", b"%d" % length))
            await send({"type": "http.response.start", "status": response.status, "headers": headers})
            if linger is not None and body:
                await send({"type": "http.response.body", "body": body[:-1], "more_body": True})
                await linger()
                await send({"type": "http.response.body", "body": body[-1:]})
            else:
                await send({"type": "http.response.body", "body": body})
            return len(body)
        case PathResponse():
            headers.append((b"content-length", b"%d" % response.length))
            await send({"type": "http.response.start", "status": response.status, "headers": headers})
            await send({"type": "http.response.pathsend", "path": response.path})
            return response.length
        case StreamResponse():
            headers.append((b"content-length", b"%d" % response.span.length))
            await send({"type": "http.response.start", "status": response.status, "headers": headers})
            return await _send_pieces(send, receive, response)


async def _send_pieces(send: Send, receive: Receive, response: StreamResponse) -> int:
    """Send a copy in pieces until it ends or the client goes away, which `send` alone would not tell."""
    sent = 0
    gone = asyncio.ensure_future(_gone(receive))
    try:
        async for piece in response.content.chunks(response.span):
            if gone.done():
                return sent
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            sent += len(piece)
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()
        response.content.close()
    return sent


async def _gone(receive: Receive) -> None:
    """Returns when the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
