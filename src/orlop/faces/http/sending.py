"""How answers go out over ASGI: those in memory at once, copies in pieces whose memory is bounded, or as the files that
they are, where the server takes those."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from orlop.domain.errors import ContentCorrupt, Unavailable
from orlop.faces.http.asgi import Receive, Send
from orlop.faces.http.responses import Headers, LiveResponse, Response, StreamResponse
from orlop.ports.blobs import InFile

#: What a server that sends files itself says in the scope of a request (ASGI, "Zero Copy Send").
FILES = "http.response.zerocopysend"

#: What a worker's answers may hold at once, in bytes, before further ones get smaller pieces.
MEMORY = 64 * 1024 * 1024

#: How many pieces of one answer wait for a client that does not read on: the one that the server holds, and ours.
_HELD = 2
#: Bytes of a piece. Larger ones leave the processor's cache between being read and being sent.
_LARGEST = 256 * 1024
_SMALLEST = 32 * 1024
#: Answers in memory of more bytes are sent in pieces of so many, each when the client has read most of the one before.
LARGE = 64 * 1024
#: Bytes that may be sent before others have their turn, for a client that takes them faster than they are read.
_TURN = 1024 * 1024


class Streams:
    """Sends copies in pieces, which are as large as is fastest until those under way may hold `memory` bytes: from then
    on each further answer gets smaller ones, down to 32 KiB. What is sent as a file is held by nobody but the system.
    """

    def __init__(self, memory: int = MEMORY) -> None:
        self._memory = memory
        self._under_way = 0

    async def send(
        self, send: Send, receive: Receive, response: StreamResponse, more: Headers, *, files: bool = False
    ) -> int:
        """Send a copy with `more` headers, and close it; how many of its bytes went out before the client went away.
        `files`: the server takes parts of files.

        Raises ContentCorrupt when it ends early, Unavailable when its store fails; the connection has to be cut then.
        """
        self._under_way += 1
        try:
            length = (b"content-length", b"%d" % response.span.length)
            headers = [*response.headers, *more, length]
            await send({"type": "http.response.start", "status": response.status, "headers": headers})
            return await self._parts(send, receive, response, files=files)
        finally:
            self._under_way -= 1
            response.content.close()
            if response.leave is not None:
                response.leave()

    def _portion(self) -> int:
        return min(max(self._memory // self._under_way // _HELD, _SMALLEST), _LARGEST)

    def _read(self, response: StreamResponse, *, files: bool) -> AsyncIterator[InFile | bytes]:
        content, span, most = response.content, response.span, self._portion()
        if files and (stretches := getattr(content, "stretches", None)) is not None:  # see ports.blobs.FileContent
            parts: AsyncIterator[InFile | bytes] = stretches(span, most)
            return parts
        return content.chunks(span, most)

    async def _parts(self, send: Send, receive: Receive, response: StreamResponse, *, files: bool) -> int:
        sent, rest, turn = 0, response.span.length, 0
        gone: asyncio.Future[None] | None = None
        try:
            async for part in self._read(response, files=files):
                if gone is not None and gone.done():
                    return sent
                if isinstance(part, InFile):
                    length = part.length
                    rest -= length
                    await _send_file(send, part, more=rest > 0)
                else:
                    length = len(part)
                    rest -= length
                    await send({"type": "http.response.body", "body": part, "more_body": rest > 0})
                sent += length
                if sent - turn >= _TURN and rest:
                    turn = sent
                    gone = gone or asyncio.ensure_future(_gone(receive))
                    await asyncio.sleep(0)
        finally:
            if gone is not None:
                gone.cancel()
        return sent


async def _send_file(send: Send, part: InFile, *, more: bool) -> None:
    """Have the server send a part of a file. What it meets in reading is said as a reader says it."""
    event = {"type": FILES, "file": part.descriptor, "offset": part.start, "count": part.length, "more_body": more}
    try:
        await send(event)
    except EOFError as cause:
        raise ContentCorrupt("the stored bytes end too early") from cause
    except OSError as cause:
        raise Unavailable("the disk fails; the registry's operator has to look, then try again") from cause


async def _gone(receive: Receive) -> None:
    """Returns when the client is gone, which `send` alone would not tell."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def send_live(send: Send, receive: Receive, response: LiveResponse, more: Headers, *, head: bool) -> int:
    """Send an answer part by part as they come; the bytes that went out before it or the client ended.

    A client that does not read holds nothing but this: `send` waits for it, and the server cuts it off in time.
    """
    await send({"type": "http.response.start", "status": response.status, "headers": [*response.headers, *more]})
    sent = 0
    gone = asyncio.ensure_future(_gone(receive))
    coming: asyncio.Future[bytes] | None = None
    try:
        while not head:
            coming = asyncio.ensure_future(anext(response.parts, b""))
            await asyncio.wait((coming, gone), return_when=asyncio.FIRST_COMPLETED)
            if gone.done() or not (part := coming.result()):
                break
            await send({"type": "http.response.body", "body": part, "more_body": True})
            sent += len(part)
        await send({"type": "http.response.body", "body": b""})
    finally:
        for each in (gone, coming):
            if each is not None and not each.done():
                each.cancel()
    return sent


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
        at = 0
        while len(body) - at > LARGE:
            await send({"type": "http.response.body", "body": body[at : at + LARGE], "more_body": True})
            at += LARGE
        await send({"type": "http.response.body", "body": body[at:] if at else body})
    return len(body)
