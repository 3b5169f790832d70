"""One request and its answer, as ASGI has them: what the application receives, what it sends, how that is framed."""

import asyncio
from collections import deque
from http import HTTPStatus
from typing import Any, Protocol

Headers = list[tuple[bytes, bytes]]

#: How an answer begins.
STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_BODILESS = frozenset({204, 304})
_LAST_CHUNK = b"0\r\n\r\n"


class Line(Protocol):
    """The connection, as far as an exchange needs it."""

    @property
    def is_gone(self) -> bool:
        """Whether the client is, so that nobody hears what is written."""
        ...

    @property
    def is_ending(self) -> bool:
        """Whether it takes no further request, because the server ends."""
        ...

    def date(self) -> bytes:
        """The header that says when it is."""
        ...

    def write(self, content: bytes) -> None:
        """Bytes of the answer, in order."""
        ...

    async def drained(self) -> None:
        """Returns when there is room for more."""
        ...

    async def write_file(self, head: bytes, descriptor: int, offset: int, count: int) -> None:
        """`head`, and bytes of a file. Raises EOFError when it has fewer, OSError when it cannot be read."""
        ...

    def wants_more(self) -> None:
        """The application has taken what was there of the body."""
        ...


class AnswerInvalid(Exception):
    """The application sent what cannot be an answer."""


class Exchange:
    """A request that has arrived as far as its head, and its answer.

    `ends` says that the connection ends with it. `awaited`: the client waits to be told to send the body (RFC 9110,
    section 10.1.1).
    """

    __slots__ = (
        "_chunked", "_head", "_left", "_line", "_pieces", "_status", "_told", "_waiting", "awaited", "ends", "held",
        "is_answered", "is_begun", "is_broken", "is_head", "is_old", "is_whole", "scope",
    )  # fmt: skip

    def __init__(self, line: Line, scope: dict[str, Any], *, ends: bool, awaited: bool) -> None:
        self.scope = scope
        self.ends = ends
        self.awaited = awaited
        self.is_head = scope["method"] == "HEAD"
        self.is_old = scope["http_version"] == "1.0"
        self.is_whole = False
        self.is_broken = False
        self.is_begun = False
        self.is_answered = False
        self.held = 0
        self._line = line
        self._pieces: deque[bytes] = deque()
        self._told = False
        self._waiting: list[asyncio.Future[None]] = []
        self._head = b""
        self._status = 0
        self._left: int | None = None
        self._chunked = False

    # --- the request --------------------------------------------------------------------------------------------------

    def arrived(self, piece: bytes) -> None:
        """Bytes of the body: "A server MAY omit sending a 100 (Continue) response if it has already received some"."""
        self.awaited = False
        self._pieces.append(piece)
        self.held += len(piece)
        self.wake()

    def complete(self) -> None:
        """The body is whole."""
        self.awaited = False
        self.is_whole = True
        self.wake()

    def break_off(self) -> None:
        """Nothing more will come, or be heard."""
        self.is_broken = True
        self.wake()

    @property
    def is_endless(self) -> bool:
        """Whether an answer is under way that does not say how long it is."""
        return self.is_begun and self._chunked and not self.is_answered

    @property
    def is_due(self) -> bool:
        """Whether somebody waits for more of the body than has come."""
        return bool(self._waiting) and not self.is_whole

    def wake(self) -> None:
        """Waiting tasks are to look again."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def receive(self) -> dict[str, Any]:
        """The next event of the request (ASGI, "Request - receive event")."""
        while True:
            if self._pieces:
                piece = self._pieces.popleft()
                self.held -= len(piece)
                if not self._pieces:
                    self._line.wants_more()
                more = bool(self._pieces) or not self.is_whole
                self._told = not more
                return {"type": "http.request", "body": piece, "more_body": more}
            if self.is_whole and not self._told:
                self._told = True
                return {"type": "http.request", "body": b"", "more_body": False}
            if self.is_broken or self.is_answered:
                return {"type": "http.disconnect"}
            if self.awaited and not self.is_begun:  # in the middle of an answer it would be a part of it
                self.awaited = False
                self._line.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._line.wants_more()
            future = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            await future

    # --- the answer ---------------------------------------------------------------------------------------------------

    async def send(self, message: dict[str, Any]) -> None:
        """The next event of the answer. A client that is gone hears nothing of it, which is no error.

        Raises AnswerInvalid, and for files what `Line.write_file` raises.
        """
        kind = message["type"]
        if kind == "http.response.body":
            body, more = message.get("body", b""), message.get("more_body", False)
            self._account(len(body), more=more)
            self._write(body, more=more)
        elif kind == "http.response.start":
            self._begin(message["status"], message.get("headers", ()))
            return
        elif kind == "http.response.zerocopysend":
            await self._send_file(message)
        else:
            raise AnswerInvalid(f"an answer has no {kind}")
        if self.is_answered:
            self.wake()
        else:
            await self._line.drained()

    def _begin(self, status: int, headers: Headers) -> None:
        if self.is_begun:
            raise AnswerInvalid("an answer begins once")
        self.is_begun = True
        self._status = status
        lines = [STATUS_LINES[status]]
        is_framed = status in _BODILESS
        for name, value in headers:
            if name == b"content-length":
                self._left, is_framed = (None if self._is_bodiless else int(value)), True
            elif name == b"connection" and value == b"close":
                self.ends = True
                continue
            lines.append(b"%b: %b\r\n" % (name, value))
        lines.append(self._line.date())
        if not is_framed:
            if self.is_old:
                self.ends = True
            else:
                self._chunked = True
                lines.append(b"transfer-encoding: chunked\r\n")
        self.ends = self.ends or self._line.is_ending
        if self.ends:
            lines.append(b"connection: close\r\n")
        elif self.is_old:
            lines.append(b"connection: keep-alive\r\n")
        lines.append(b"\r\n")
        self._head = b"".join(lines)

    @property
    def _is_bodiless(self) -> bool:
        return self.is_head or self._status in _BODILESS

    def _account(self, count: int, *, more: bool) -> None:
        if not self.is_begun or self.is_answered:
            raise AnswerInvalid("a body comes after the beginning of an answer, and before its end")
        if self._left is not None:
            self._left -= count
            if self._left < 0 or (self._left and not more):
                self.ends = True
                raise AnswerInvalid("the body is not as long as the answer says")
        self.is_answered = not more

    def _write(self, body: bytes, *, more: bool) -> None:
        head, self._head = self._head, b""
        if self._is_bodiless:
            content = head
        elif self._chunked:
            content = head + (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + (b"" if more else _LAST_CHUNK)
        elif head and len(body) > JOINED:
            self._line.write(head)
            content = body
        else:
            content = head + body
        if content:
            self._line.write(content)

    async def _send_file(self, message: dict[str, Any]) -> None:
        count, more = message["count"], message.get("more_body", False)
        if self._chunked or self._is_bodiless:
            raise AnswerInvalid("a file goes into a body whose length was said")
        self._account(count, more=more)
        head, self._head = self._head, b""
        self.is_answered = False
        await self._line.write_file(head, message["file"], message.get("offset", 0), count)
        self.is_answered = not more


#: Up to how many bytes of body are copied behind the head, to go out with it, rather than written after it.
JOINED = 32 * 1024
