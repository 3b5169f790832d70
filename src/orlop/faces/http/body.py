"""Request bodies: counted, bounded, checked against what was announced, and never left unread without need."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from orlop.domain.errors import BodyInterrupted, RequestInvalid, TooLarge
from orlop.faces.http.asgi import Receive

#: How much of a body that nobody wants is read before the connection is given up, in bytes: a client that gets its
#: answer while it still sends takes it for a broken connection.
DRAIN = 8 * 1024 * 1024

#: How long a client that still sends has to see that it is refused, how long it may be quiet before it is taken to have
#: seen it, and how long to wait between two of its pieces, in seconds.
_LINGER, _QUIET, _PACE = 2.0, 0.25, 0.01


class RequestBody:
    """The body of one request. `idle` is how long the client may send nothing, in seconds."""

    def __init__(self, receive: Receive, headers: dict[bytes, bytes], idle: float, *, http1: bool) -> None:
        self._receive = receive
        self._idle = idle
        self.length = _length(headers)
        self.received = 0
        streamed = b"transfer-encoding" in headers or not http1
        self._more = bool(self.length) if self.length is not None else streamed

    @property
    def finished(self) -> bool:
        """Whether nothing of it is left to read."""
        return not self._more

    async def pieces(self) -> AsyncIterator[bytes]:
        """The bytes as they arrive. Raises BodyInterrupted when the client goes away, stalls, or sends too few."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._idle) as deadline:
                while self._more:
                    message = await self._receive()
                    if message["type"] != "http.request":
                        self._more = False
                        raise BodyInterrupted("the client closed the connection before its whole body was here")
                    self._more = message.get("more_body", False)
                    piece = message.get("body", b"")
                    if piece:
                        self.received += len(piece)
                        deadline.reschedule(None)
                        yield piece
                    deadline.reschedule(loop.time() + self._idle)
        except TimeoutError as cause:
            raise BodyInterrupted(f"no byte of the body arrived for {self._idle:g} seconds") from cause
        if self.length is not None and self.received != self.length:
            raise BodyInterrupted(f"Content-Length announced {self.length} bytes, {self.received} arrived")

    async def read(self, limit: int, what: str) -> bytes:
        """All of it. Raises TooLarge beyond `limit` bytes."""
        if self.length is not None and self.length > limit:
            raise TooLarge(f"{what} has at most {limit} bytes", limit=limit)
        parts: list[bytes] = []
        async for piece in self.pieces():
            if self.received > limit:
                raise TooLarge(f"{what} has at most {limit} bytes", limit=limit)
            parts.append(piece)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def drain(self) -> bool:
        """Read and drop what is left, up to the cap and for as long as a body may stand still, lest a client that sends
        a byte now and then is waited for; False when more is left and the connection must be closed."""
        if self.length is not None and self.length - self.received > DRAIN:
            return self.finished
        start = self.received
        try:
            async with asyncio.timeout(self._idle):
                async for _ in self.pieces():
                    if self.received - start > DRAIN:
                        return False
        except (BodyInterrupted, TimeoutError):
            return False
        return True

    async def linger(self) -> None:
        """Read on slowly while the client sees its answer: until it hangs up or is quiet, for a bounded time, and up to
        the cap.

        A connection that is closed with bytes unread is reset, and to a client that still sends a reset is a broken
        pipe: it learns neither why it was refused nor when to come back.
        """
        start = self.received
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINGER):
                while self._more and self.received - start < DRAIN:
                    async with asyncio.timeout(_QUIET):
                        message = await self._receive()
                    self._more = message["type"] == "http.request" and message.get("more_body", False)
                    self.received += len(message.get("body", b""))
                    await asyncio.sleep(_PACE)


def _length(headers: dict[bytes, bytes]) -> int | None:
    text = headers.get(b"content-length")
    if text is None:
        return None
    if not text.isdigit() or len(text) > 19:
        raise RequestInvalid("Content-Length is not a number")
    return int(text)
