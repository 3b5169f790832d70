"""The shell around every request of a face: its body in bounds, errors as answers, one line in the log.

The distribution face has its own, because most of its answers are given at once, from memory; it shares `unread`.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from orlop.domain.access import ANONYMOUS, Caller
from orlop.domain.errors import ContentCorrupt, RegistryError, Unavailable
from orlop.faces.http.asgi import Receive, Scope, Send
from orlop.faces.http.body import RequestBody
from orlop.faces.http.headers import combined
from orlop.faces.http.responses import Headers, LiveResponse, Response
from orlop.faces.http.sending import send_live, send_response
from orlop.telemetry.requests import RequestLog, RequestRecord

_log = structlog.get_logger("orlop.http")

#: The route of answers that go on, in the log and in metrics: how long they take says nothing of how fast a server is.
LIVE = "live"


class HttpExchange:
    """One request as its face sees it, and what the log is to say of it.

    `body` is None until its headers were found sound, `caller` nobody until the face knows better. `more` are headers
    that go with whatever answer there will be; without `is_logged` there is no line in the log.
    """

    __slots__ = ("body", "caller", "error", "headers", "is_logged", "method", "more", "path", "request_id", "scope")

    def __init__(self, scope: Scope, request_id: str) -> None:
        self.scope = scope
        self.request_id = request_id
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers = combined(scope["headers"])
        self.body: RequestBody | None = None
        self.caller = Caller(ANONYMOUS, "", request_id)
        self.error = ""
        self.more: Headers = []
        self.is_logged = True

    def header(self, name: bytes) -> str:
        """A header's value, empty when it is absent."""
        return self.headers.get(name, b"").decode("latin-1")

    async def content(self, limit: int, what: str) -> bytes:
        """The whole body. Raises TooLarge beyond `limit` bytes, BodyInterrupted."""
        assert self.body is not None, "no face is asked before"
        return await self.body.read(limit, what)


class Face(Protocol):
    """What a face does with a request.

    `route` is its name in the log and in the metrics, `idle` for how many seconds a body may stand still.
    """

    @property
    def route(self) -> str: ...
    @property
    def idle(self) -> float: ...

    async def answer(self, exchange: HttpExchange) -> Response | LiveResponse:
        """Raises RegistryError for what is to be refused."""
        ...

    def refusal(self, exchange: HttpExchange, error: RegistryError) -> Response:
        """An error, as clients of this face read it."""
        ...


class Shell:
    """Makes an ASGI application of a face.

    `address` tells where a request comes from, by its scope and headers; `request_ids` gives each request a name that
    stands in the log, in headers and in error bodies.
    """

    def __init__(
        self,
        face: Face,
        log: RequestLog,
        request_ids: Callable[[], str],
        address: Callable[[Scope, dict[bytes, bytes]], str],
    ) -> None:
        self.face = face
        self._log = log
        self._request_ids = request_ids
        self._address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        started = time.perf_counter()
        exchange = HttpExchange(scope, self._request_ids())
        status, sent, route = 500, 0, self.face.route
        response: Response | LiveResponse | None = None
        try:
            response = await self._response(exchange, receive)
            status = response.status
            more = [(b"x-request-id", exchange.request_id.encode()), (b"server", b"orlop"), *exchange.more]
            closing, linger = await unread(exchange.body)
            head = exchange.method == "HEAD"
            if isinstance(response, LiveResponse):
                route = LIVE
                sent = await send_live(send, receive, response, [*more, *closing], head=head)
            else:
                sent = await send_response(send, response, [*more, *closing], head=head, linger=linger)
        finally:
            if isinstance(response, LiveResponse):
                response.leave()
            if exchange.is_logged:
                self._log.finished(self._record(exchange, route, status, time.perf_counter() - started, sent))

    async def _response(self, exchange: HttpExchange, receive: Receive) -> Response | LiveResponse:
        scope, headers = exchange.scope, exchange.headers
        try:
            exchange.caller = Caller(ANONYMOUS, self._address(scope, headers), exchange.request_id)
            exchange.body = RequestBody(receive, headers, self.face.idle, http1=scope["http_version"] < "2")
            return await self.face.answer(exchange)
        except RegistryError as refusal:
            exchange.error = refusal.code
            if isinstance(refusal, Unavailable | ContentCorrupt):  # the client did nothing wrong: tell the operator
                _log.error("a store failed", request_id=exchange.request_id, path=exchange.path, reason=refusal.message)
            return self.face.refusal(exchange, refusal)
        except Exception:  # noqa: BLE001 - the last door: a defect of ours becomes a 500 and a log entry
            exchange.error = "UNKNOWN"
            _log.exception(
                "a request failed", request_id=exchange.request_id, method=exchange.method, path=exchange.path
            )
            return self.face.refusal(exchange, RegistryError("the registry failed; its log says why"))

    def _record(self, exchange: HttpExchange, route: str, status: int, seconds: float, sent: int) -> RequestRecord:
        caller = exchange.caller
        return RequestRecord(
            request_id=exchange.request_id,
            method=exchange.method,
            path=exchange.path,
            route=route,
            status=status,
            seconds=seconds,
            bytes_in=exchange.body.received if exchange.body is not None else 0,
            bytes_out=sent,
            client=caller.address,
            user_agent=exchange.header(b"user-agent"),
            subject=caller.subject.name,
            credential=caller.subject.credential,
            error=exchange.error,
        )


async def unread(body: RequestBody | None) -> tuple[Headers, Callable[[], Awaitable[None]] | None]:
    """Take in what is left of a body before its answer goes out. When that is too much, or nobody knows where it ends:
    the header that closes the connection, and what is to be awaited before the answer's last byte (see
    `send_response`)."""
    if body is None:
        return [(b"connection", b"close")], None
    if body.finished or await body.drain():
        return [], None
    return [(b"connection", b"close")], body.linger


def socket_address(scope: Scope, _: dict[bytes, bytes]) -> str:
    """The address at the other end of the connection, whoever that speaks for; empty when nobody knows."""
    return str(scope["client"][0]) if scope.get("client") else ""
