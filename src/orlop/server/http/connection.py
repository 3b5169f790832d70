"""One connection: reads requests one after the other, and has each answered before the next (RFC 9112).

A client may send requests ahead; they wait. What is no HTTP is answered with 400 and ends the connection: where one
request ends and the next begins must not be guessed.
"""

import asyncio
import socket
from collections import deque
from typing import Any, cast
from urllib.parse import unquote

import httptools
import structlog

from orlop.server.http.exchange import JOINED, STATUS_LINES, AnswerInvalid, Exchange
from orlop.server.http.heads import (
    HeadTooLarge,
    Unanswerable,
    hosted,
    require_framing,
    require_http,
    status_of,
    target_of,
)
from orlop.server.http.house import PACE, House, Message, Unread
from orlop.server.http.outlet import Outlet
from orlop.server.http.pace import Pace, Patience
from orlop.server.http.peers import certificate_of, common_scope
from orlop.server.http.repeated import Repeated

#: Bytes of a body that wait for the application, from which on no more are read.
_AHEAD = 256 * 1024
#: Bytes that the transport holds back for a client, from which on the application waits.
HIGH_WATER = 64 * 1024
#: How many requests may wait for their turn, and how many fields a head may have.
_QUEUE = 128
_FIELDS = 100
#: How many of the requests that arrive together are answered at once, before other clients have their turn.
_PROMPT = 16
#: Bytes around each chunk of a body that are nothing unusual: its size and two ends of lines.
_AROUND = 24
_EXTENSIONS: dict[str, dict[str, Any]] = {"http.response.zerocopysend": {}}

_log = structlog.get_logger("orlop.server")


class Connection(asyncio.Protocol):
    """See the module. `waiting_since`, in seconds of the loop's clock: when it began to wait for a head; None while a
    request is under way."""

    def __init__(self, house: House, loop: asyncio.AbstractEventLoop, client: socket.socket) -> None:
        self._house = house
        self._loop = loop
        self._client = client
        self._parser = httptools.HttpRequestParser(self)
        self._exchanges: deque[Exchange] = deque()  # the first one is being answered
        self._reading: Exchange | None = None  # whose body arrives
        self._task: asyncio.Task[None] | None = None
        self._arrived = b""  # what is being read now
        self._line = bytearray()  # what came before that of a head without a whole field yet
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._counted = 0  # of the head under way, or of what follows a body
        self._fed = 0  # of a head that is not whole yet
        self._framing = 0  # of a chunked body, beyond what it takes
        self._in_head = False
        self._has_asked = False
        self._is_awaited = False
        self._is_reading = True
        self._takes_no_more = False
        self._room: asyncio.Future[None] | None = None
        self._is_full = False
        self._prompt = 0  # how many of the requests that arrive may still be answered at once
        self._begun = 0  # how many heads began in what has arrived
        self._given: Message | None = None  # the scope of the last of them, if others may follow that are like it
        self._repeated: Repeated | None = None
        self._outlet = Outlet(loop, client)
        self._pace = Pace()
        self._written = self._came = 0  # bytes through the transport, and of bodies
        self._is_cut = self._is_known = self._is_stale = False
        self._refused = 0  # the status for what came and is no request, if it has to wait for those before it
        self._transport: asyncio.Transport = None  # type: ignore[assignment]  # until connection_made
        self._common: dict[str, Any] = {}
        self.is_gone = False
        self.waiting_since: float | None = None

    # --- what the transport tells -------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=HIGH_WATER)
        is_secure = self._house.is_secure
        certificate = certificate_of(transport) if is_secure else ""
        self._is_known = bool(certificate)
        extensions = {PACE: self} if is_secure else {PACE: self, **_EXTENSIONS}
        self._common = common_scope(transport, certificate, extensions, is_secure=is_secure)
        self.waiting_since = self._loop.time()
        self._house.entered(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self.is_gone = True
        self._make_room()
        for exchange in self._exchanges:
            exchange.break_off()
        self._outlet.close()
        self._house.holds(self, 0)
        self._house.left(self)

    def eof_received(self) -> bool:
        """See asyncio.Protocol. A client that sends nothing more may still want to hear the answer; one that has left
        shows when it is written. Where an answer has no end of its own, the end of the client is that."""
        self._takes_no_more = True
        if self._exchanges and self._exchanges[0].is_endless:
            self._exchanges[0].break_off()
        if self._reading is not None:
            self._reading.break_off()
        return bool(self._exchanges) and not self._house.is_secure

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        self._is_full = True
        self._house.holds(self, self._transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        self._is_full = False
        self._house.holds(self, 0)
        self._make_room()

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self._takes_no_more:
            return
        self._prompt = _PROMPT
        is_between = not self._in_head and self._reading is None
        if is_between and self._is_repeated(data):
            return
        self._begun, self._given = 0, None
        self._arrived = data
        try:
            self._framing += len(data)
            self._parser.feed_data(data)
            if self._in_head:
                self._fed += len(data)
                if not self._headers:
                    self._line += data
            if max(self._fed, self._framing) > self._house.head_bytes:
                raise HeadTooLarge
            if is_between and self._begun == 1 and self._given is not None and not self._in_head:
                self._repeated = Repeated.of(data, self._given)
        except httptools.HttpParserUpgrade:
            self._takes_no_more = True  # it is answered as what it is without; what follows might be another protocol
        except httptools.HttpParserCallbackError as error:
            self._refuse(status_of(error.__context__))
        except HeadTooLarge:
            self._refuse(431)
        except httptools.HttpParserError:
            self._refuse(400)
        finally:
            self._arrived = b""

    def _is_repeated(self, data: bytes) -> bool:
        """Take what arrived if it is the head of before, whole, with another target; the parser stands between two
        requests, and goes on standing there."""
        if self._repeated is None or self._exchanges or len(data) > self._house.head_bytes:
            return False
        scope = self._repeated.again(data)
        if scope is None:
            return False
        try:
            self._take(scope, ends=False, awaited=False)
            self.on_message_complete()
        except Exception as error:  # noqa: BLE001 - a defect of the application, as one that the parser comes upon
            self._url = scope["raw_path"]
            self._refuse(status_of(error))
        return True

    # --- what the parser tells ----------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A request begins."""
        self._url = b""
        self._headers = []
        self._counted = self._fed = 0
        self._in_head = True
        self._begun += 1
        self._is_awaited = False

    def on_url(self, url: bytes) -> None:
        """Some of its target."""
        self._count(len(url))
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of its head, or one that follows a chunked body, and is nobody's."""
        self._count(len(name) + len(value) + 4)
        if self._reading is not None:
            return
        if not self._headers:
            self._check_protocol()
        if len(self._headers) >= _FIELDS:
            raise HeadTooLarge
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self._is_awaited = True
        self._headers.append((name, value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        """Its head is whole."""
        if len(self._exchanges) >= _QUEUE:
            raise Unanswerable
        if not self._headers:
            self._check_protocol()
        raw, query, authority = target_of(self._url)
        path = raw.decode("latin-1")
        version = self._parser.get_http_version()
        if version not in ("1.0", "1.1"):
            raise Unanswerable
        headers = hosted(self._headers, version, authority)
        require_framing(headers, version)
        self._counted = self._fed = 0
        self._in_head = False
        self._has_asked = True
        scope = {
            **self._common,
            "http_version": version,
            "method": self._parser.get_method().decode("latin-1"),
            "path": unquote(path) if "%" in path else path,
            "raw_path": raw,
            "query_string": query,
            "headers": headers,
        }
        # Another protocol is not spoken here: the answer is the last of this one.
        ends = not self._parser.should_keep_alive() or self._parser.should_upgrade()
        self._take(scope, ends=ends, awaited=self._is_awaited and version == "1.1")

    def _take(self, scope: Message, *, ends: bool, awaited: bool) -> None:
        """Have a request answered whose head is whole."""
        self._given = None if ends or awaited else scope
        if not (self._exchanges or ends or self._is_full) and self._prompt and self._is_answered_at_once(scope):
            return
        exchange = Exchange(self, scope, ends=ends, awaited=awaited)
        self.waiting_since = None
        self._reading = exchange
        self._exchanges.append(exchange)
        if len(self._exchanges) == 1:
            self._task = self._loop.create_task(self._answer(exchange))
        else:
            self._pause()

    def on_chunk_header(self) -> None:
        """A chunk of its body begins. What else stands there is nobody's, and may not be without end."""
        self._framing -= _AROUND

    def on_body(self, body: bytes) -> None:
        """Some of its body."""
        self._framing -= len(body)
        self._came += len(body)
        if self._reading is not None:
            self._reading.arrived(body)
            if self._reading.held >= _AHEAD:
                self._pause()

    def on_message_complete(self) -> None:
        """It is whole."""
        exchange, self._reading = self._reading, None
        self._framing = 0
        if exchange is not None:
            exchange.complete()
            if exchange.ends:
                self._takes_no_more = True

    def _count(self, read: int) -> None:
        self._counted += read
        if self._counted > self._house.head_bytes:
            raise HeadTooLarge

    def _check_protocol(self) -> None:
        require_http(bytes(self._line) + self._arrived if self._line else self._arrived, self._url)
        self._line.clear()

    # --- what exchanges ask for: see exchange.Line --------------------------------------------------------------------

    @property
    def is_ending(self) -> bool:
        """See Line."""
        return self._house.is_draining or self._is_stale

    def date(self) -> bytes:
        """See Line."""
        return self._house.date

    def write(self, content: bytes) -> None:
        """See Line."""
        if not self._is_over:
            self._written += len(content)
            self._transport.write(content)

    async def drained(self) -> None:
        """See Line."""
        while self._is_full and not self.is_gone:
            await self._wait()

    async def write_file(self, head: bytes, descriptor: int, offset: int, count: int) -> None:
        """See Line. Past the transport, once that has nothing left to send."""
        if self._transport.get_write_buffer_size():
            await self._flushed()
        if not self._is_over:
            try:
                await self._outlet.send(head, descriptor, offset, count)
            except ConnectionError:
                self._transport.abort()

    def wants_more(self) -> None:
        """See Line."""
        if len(self._exchanges) == 1:
            self._resume()

    @property
    def _is_over(self) -> bool:
        return self.is_gone or self._transport.is_closing()

    async def _flushed(self) -> None:
        self._transport.set_write_buffer_limits(high=0)  # which makes it say when nothing is left
        await self.drained()
        if not self._is_over:
            self._transport.set_write_buffer_limits(high=HIGH_WATER)

    async def _wait(self) -> None:
        self._room = self._loop.create_future()
        await self._room

    def _make_room(self) -> None:
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    # --- from one request to the next ---------------------------------------------------------------------------------

    def _is_answered_at_once(self, scope: Message) -> bool:
        house = self._house
        answer = None if self.is_ending else house.at_once(scope)
        if answer is None:
            return False
        status, fields, body = answer
        self._prompt -= 1
        if scope["http_version"] == "1.0":  # who does not hear that it goes on waits for the end
            fields += b"connection: keep-alive\r\n"
        if len(body) <= JOINED:
            self._transport.write(b"%b%b%b\r\n%b" % (STATUS_LINES[status], fields, house.date, body))
        else:  # those who do not read it hold it together
            self._transport.writelines((b"%b%b%b\r\n" % (STATUS_LINES[status], fields, house.date), body))
        self.waiting_since = self._loop.time()
        return True

    async def _answer(self, exchange: Exchange) -> None:
        """Have the application answer, and go on to the next request."""
        try:
            await self._house.application(exchange.scope, exchange.receive, exchange.send)
        except (ConnectionError, EOFError, AnswerInvalid) as error:
            _log.error("an answer was cut short", path=exchange.scope["path"], reason=repr(error))
        except Exception:  # noqa: BLE001 - the application answers for its errors; what passes it is a defect of its own
            _log.exception("the application failed", path=exchange.scope["path"])
        if exchange.is_answered:
            await self.drained()  # who asks ahead without reading gets no further
        self._exchanges.popleft()
        if self.is_gone:
            return
        if not exchange.is_begun:
            self._end(500)
        elif not exchange.is_answered:
            self._transport.abort()
        elif exchange.ends or self._reading is exchange:
            self.end()
        elif self._exchanges:
            self._task = self._loop.create_task(self._answer(self._exchanges[0]))
        elif self._refused:
            self._end(self._refused)
        elif self._takes_no_more:
            self.end()
        else:
            self.waiting_since = self._loop.time()
            self._resume()

    def last_call(self) -> None:
        """No other request is taken: who was answered and has sent nothing since leaves now, everybody else when they
        are answered. A client that has not asked yet is ended by `look`."""
        if not self._exchanges:
            if self._has_asked and not self._in_head and not self._is_unread:
                self.end()
            else:
                self.waiting_since = self._loop.time()

    def renewed(self) -> None:
        """Other certificates are trusted, or revoked: a client that has shown one has to show it again, on another
        connection."""
        if self._is_known:
            self._is_stale = True
            if not self._exchanges and not self._is_unread:
                self.end()

    def look(self, now: float, since: float, patience: Patience) -> bool:
        """End if a head has been waited for since then, in seconds of the loop's clock; cut the connection, and be
        True, if its client has kept the server waiting for too long."""
        is_due = self._is_full or self._outlet.is_waiting or self._transport.is_closing()
        if not is_due and self.waiting_since is not None:
            self._pace.reset()
            self._outlet.close()  # until it is needed again
            if self.waiting_since <= since and not self._is_unread:
                self.end()
            return False
        if not (is_due or self._is_body_due):
            self._pace.pause()
            return False
        out = self._outlet.moved + self._written - self._transport.get_write_buffer_size()
        late = self._pace.look(now, self._client, out, self._came, patience.rate, takes=is_due)
        if late <= patience.seconds:
            return False
        self.cut()
        return True

    @property
    def _is_body_due(self) -> bool:
        """Whether the application waits for more of a body."""
        first = self._exchanges[0] if self._exchanges else None
        return first is not None and first is self._reading and self._is_reading and first.is_due

    @property
    def late(self) -> float:
        """See PACE."""
        return self._pace.late

    def cut(self) -> None:
        """See PACE. A client that has not sent all of a body may hear why, if it can be told in the same time again."""
        self._house.cuts += 1
        self._pace.reset()
        if self._is_body_due and not self._is_cut and not self._is_full:
            self._is_cut = self._takes_no_more = True
            assert self._reading is not None
            self._reading.break_off()
        else:
            self._transport.abort()

    def make_way(self) -> bool:
        """End in favour of others, if nothing is asked for; whether it does."""
        if self.waiting_since is None or self._is_unread:
            return False
        self.end()
        return True

    @property
    def _is_unread(self) -> bool:
        """Whether the client has sent what the loop has not come to yet. To close then takes the answer away."""
        try:
            return bool(self._client.recv(1, socket.MSG_PEEK))
        except OSError:  # nothing is there, or nobody
            return False

    def end(self) -> None:
        """Close, once what was written is sent."""
        self._takes_no_more = True
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def _end(self, status: int) -> None:
        self._transport.write(
            b"%b%bcontent-length: 0\r\nconnection: close\r\n\r\n" % (STATUS_LINES[status], self._house.date)
        )
        self.end()

    def _refuse(self, status: int) -> None:
        """What came is no request: nothing after it is one. Requests under way are answered first; of one whose body it
        was to be, that is the answer."""
        self._takes_no_more = True
        if self._reading is not None:
            self._reading.break_off()
            return
        client = str(self._common["client"][0])
        method = (self._parser.get_method() or b"").decode("latin-1") if self._url else ""
        self._house.unread(Unread(status, method, self._url.decode("latin-1"), client))
        if self._exchanges:
            self._refused = status
        else:
            self._end(status)

    def _pause(self) -> None:
        if self._is_reading:
            self._is_reading = False
            self._transport.pause_reading()

    def _resume(self) -> None:
        if not (self._is_reading or self._is_over):
            self._is_reading = True
            self._transport.resume_reading()
