"""How answers go out over ASGI: those in memory at once, copies in pieces whose memory is bounded."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from orlop.faces.distribution.body import Receive
from orlop.faces.distribution.responses import Headers, Response, StreamResponse

Send = Callable[[dict[str, Any]], Awaitable[None]]

#: What a worker's answers may hold at once, in bytes, before further ones get smaller pieces.
MEMORY = 64 * 1024 * 1024

#: How many pieces of one answer wait for a client that does not read on, beside what is in the server's buffer: those
#: that the server takes before it has us wait (four, in Granian), the one at whose end it waits, and ours.
_HELD = 6
#: Bytes of a piece. Larger ones leave the processor's cache between being read and being sent.
_LARGEST = 256 * 1024
_SMALLEST = 32 * 1024
#: Bytes that may be sent before others have their turn, for a client that takes them faster than they are read.
_TURN = 1024 * 1024


class Streams:
    """Sends copies in pieces, which are as large as is fastest until those under way may hold `memory` bytes: from then
    on each further answer gets smaller ones, down to 32 KiB.

    `buffer` is what the server takes of one answer into its own buffer, in bytes.
    """

    def __init__(self, buffer: int = 0, memory: int = MEMORY) -> None:
        self._buffer = buffer
        self._memory = memory
        self._under_way = 0

    async def send(self, send: Send, receive: Receive, response: StreamResponse, more: Headers) -> int:
        """Send a copy with `more` headers, and close it; how many of its bytes went out before the client went away.

        Raises ContentCorrupt when it ends early, Unavailable when its store fails; the connection has to be cut then.
        """
        self._under_way += 1
        try:
            length = (b"content-length", b"%d" % response.span.length)
            headers = [*response.headers, *more, length]
            await send({"type": "http.response.start", "status": response.status, "headers": headers})
            return await self._pieces(send, receive, response)
        finally:
            self._under_way -= 1
            response.content.close()

    def _portion(self) -> int:
        share = self._memory // self._under_way - self._buffer
        return min(max(share // _HELD, _SMALLEST), _LARGEST)

    async def _pieces(self, send: Send, receive: Receive, response: StreamResponse) -> int:
        sent, rest, turn = 0, response.span.length, 0
        gone: asyncio.Future[None] | None = None
        try:
            async for piece in response.content.chunks(response.span, self._portion()):
                if gone is not None and gone.done():
                    return sent
                rest -= len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": rest > 0})
                sent += len(piece)
                if sent - turn >= _TURN and rest:
                    turn = sent
                    gone = gone or asyncio.ensure_future(_gone(receive))
                    await asyncio.sleep(0)
        finally:
            if gone is not None:
                gone.cancel()
        return sent


async def _gone(receive: Receive) -> None:
    """Returns when the client is gone, which `send` alone would not tell."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def send_response(
    send: Send,
    response: Response,
    more: Headers,
    *,
    head: bool,
    linger: Callable[[], Awaitable[None]] | None = None,
) -> int:
    """Send an answer with `more` headers, without its body when `head`; the bytes of body that went out.

    `linger` is awaited while the last byte of an answer is held back, for a client that still sends: with the last byte
    out, the server would close.
    """
    body = b"" if head else response.body
    headers = [*response.headers, *more]
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
