"""The ASGI application of /api: who asks, bodies in bounds, answers of before, entity tags, one log line each."""

import time
from collections.abc import Callable
from typing import Any, Protocol

import msgspec
import structlog
from litestar import Litestar

from orlop.domain.access import ANONYMOUS, Caller
from orlop.domain.errors import Denied, RegistryError, Unavailable
from orlop.domain.limits import Allowance
from orlop.faces.api.exchange import CALLER, PREFIX
from orlop.faces.api.problems import MEDIA_TYPE, KeyReused, extra_headers, problem
from orlop.faces.api.routes import ERROR, REQUEST_ID, description
from orlop.faces.distribution.body import Receive, RequestBody
from orlop.faces.distribution.exchange import combined
from orlop.faces.distribution.responses import Response, header
from orlop.faces.distribution.sending import Send, send_response
from orlop.faces.origins import origin_of
from orlop.faces.ratelimit import Header, limit_headers
from orlop.services.idempotency import Idempotency, Kept, Reused
from orlop.telemetry.requests import RequestLog, RequestRecord

_log = structlog.get_logger("orlop.api")

Scope = dict[str, Any]

#: No body is larger, in bytes.
BODY_MAX = 256 * 1024
#: How long a client may send nothing of its body, in seconds.
_IDLE = 30.0

_DESCRIPTION = f"{PREFIX}/openapi.json"
_PASSWORD = f"{PREFIX}/me/password"
_NAMELESS = (b"host", b"localhost")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Authenticating(Protocol):
    """Who asks, by the Authorization header."""

    async def caller(self, authorization: str, *, address: str, request: str) -> Caller:
        """Raises Unauthorized, TooManyRequests, Unavailable."""
        ...

    async def caller_for_password_change(self, authorization: str, *, address: str, request: str) -> Caller:
        """The same for those who have to change their password first, with nothing but that password."""
        ...


class Counted(msgspec.Struct, frozen=True):
    """Who is told of requests and refusals: `admit` raises TooManyRequests, or gives what a client is to know."""

    admit: Callable[[Caller], Allowance | None] = lambda _: None
    refused: Callable[[Caller, RegistryError], None] = lambda *_: None


_UNCOUNTED = Counted()


class ApiApp:
    """`address` says where a request comes from, by its scope and headers."""

    def __init__(
        self,
        routes: Litestar,
        authentication: Authenticating,
        idempotency: Idempotency,
        log: RequestLog,
        request_ids: Callable[[], str],
        address: Callable[[Scope, dict[bytes, bytes]], str],
        counted: Counted = _UNCOUNTED,
    ) -> None:
        #: The end points, for whoever wants to know which there are.
        self.routes = routes
        self._authentication = authentication
        self._idempotency = idempotency
        self._log = log
        self._request_ids = request_ids
        self._address = address
        self._counted = counted
        self._described = b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        started = time.perf_counter()
        request_id, error, caller = self._request_ids(), "", Caller(ANONYMOUS)
        headers: dict[bytes, bytes] = {}
        body: RequestBody | None = None
        status, sent, address = 500, 0, ""
        limited: tuple[Header, ...] = ()
        try:
            try:
                headers = combined(scope["headers"])
                address = self._address(scope, headers)
                body = RequestBody(receive, headers, _IDLE, http1=scope["http_version"] < "2")
                if scope["path"] == _DESCRIPTION and scope["method"] in {"GET", "HEAD"}:
                    self._described = self._described or description(self.routes)
                    response = Response(200, [header("content-type", "application/json")], self._described)
                else:
                    caller = await self._caller(scope, headers, address, request_id)
                    limited = limit_headers(self._counted.admit(caller))
                    response, error = await self._answer(scope, headers, body, caller, request_id)
            except RegistryError as refusal:
                error, response = refusal.code, _rendered(refusal, scope["path"], request_id)
                limited = limit_headers(None, refusal) or limited
                self._counted.refused(caller, refusal)
                if isinstance(refusal, Unavailable):
                    _log.error("a store failed", request_id=request_id, path=scope["path"], reason=refusal.message)
            except Exception:  # noqa: BLE001 - the last door: a defect of ours becomes a 500 and a log entry
                error = "UNKNOWN"
                _log.exception("a request failed", request_id=request_id, method=scope["method"], path=scope["path"])
                failure = RegistryError("the registry failed; its log says why")
                response = _rendered(failure, scope["path"], request_id)
            status = response.status
            more = [
                (b"x-request-id", request_id.encode()),
                (b"server", b"orlop"),
                (b"cache-control", b"no-store"),
                (b"x-content-type-options", b"nosniff"),
                *limited,
            ]
            linger = None
            if body is None or not (body.finished or await body.drain()):
                more.append((b"connection", b"close"))
                linger = body.linger if body is not None else None
            sent = await send_response(send, response, more, head=scope["method"] == "HEAD", linger=linger)
        finally:
            self._log.finished(
                RequestRecord(
                    request_id=request_id,
                    method=scope["method"],
                    path=scope["path"],
                    route="api",
                    status=status,
                    seconds=time.perf_counter() - started,
                    bytes_in=body.received if body is not None else 0,
                    bytes_out=sent,
                    client=address,
                    user_agent=headers.get(b"user-agent", b"").decode("latin-1"),
                    subject=caller.subject.name,
                    error=error,
                )
            )

    async def _caller(self, scope: Scope, headers: dict[bytes, bytes], address: str, request_id: str) -> Caller:
        _refuse_foreign(scope, headers)
        authorization = headers.get(b"authorization", b"").decode("latin-1")
        changing = scope["path"] == _PASSWORD and scope["method"] == "PUT"
        ask = self._authentication.caller_for_password_change if changing else self._authentication.caller
        return await ask(authorization, address=address, request=request_id)

    async def _answer(
        self, scope: Scope, headers: dict[bytes, bytes], body: RequestBody, caller: Caller, request_id: str
    ) -> tuple[Response, str]:
        content = await body.read(BODY_MAX, "a request of this API")
        key = headers.get(b"idempotency-key", b"").decode("latin-1")
        if scope["method"] != "POST" or not key or not caller.subject.id:
            return await self._routed(scope, content, caller, request_id)
        whole = b"\0".join((scope["path"].encode(), scope["query_string"], content))
        account = caller.subject.id
        try:
            kept = await self._idempotency.begin(account, key, whole)
        except Reused as reused:
            raise KeyReused("this Idempotency-Key came with another request before; use a new one") from reused
        if kept is not None:
            return Response(kept.status, [*kept.headers, header("idempotency-replayed", "true")], kept.body), ""
        answer: Kept | None = None
        try:
            response, error = await self._routed(scope, content, caller, request_id)
            if response.status < 400:
                answer = Kept(response.status, response.headers, response.body)
        finally:
            await self._idempotency.finish(account, key, whole, answer)
        return response, error

    async def _routed(self, scope: Scope, content: bytes, caller: Caller, request_id: str) -> tuple[Response, str]:
        """What the routes answer to a body that is here as a whole."""
        sent: list[dict[str, Any]] = []
        given = False

        async def receive() -> dict[str, Any]:
            nonlocal given
            if given:
                return {"type": "http.disconnect"}
            given = True
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        # No route needs to know under which name it is reached, and the framework fails at some.
        lines = [_NAMELESS, *(line for line in scope["headers"] if line[0] != b"host")]
        inner = {**scope, "method": method, "headers": lines, CALLER: caller, REQUEST_ID: request_id, "state": {}}
        await self.routes(inner, receive, send)  # type: ignore[arg-type]
        start, *rest = sent
        headers = [(name.lower(), value) for name, value in start["headers"] if name.lower() != b"content-length"]
        response = Response(start["status"], headers, b"".join(message.get("body", b"") for message in rest))
        error = inner.get(ERROR)
        if not isinstance(error, RegistryError):
            return _unless_known(scope, response), ""
        self._counted.refused(caller, error)
        return response, error.code


def _unless_known(scope: Scope, response: Response) -> Response:
    """304 where the client has what it would get (RFC 9110, section 13.1.2)."""
    if scope["method"] not in {"GET", "HEAD"} or response.status != 200:
        return response
    tag = dict(response.headers).get(b"etag")
    known = dict(scope["headers"]).get(b"if-none-match", b"")
    if tag is None or not known or (known != b"*" and tag not in {part.strip() for part in known.split(b",")}):
        return response
    kept = [one for one in response.headers if one[0] != b"content-type"]
    return msgspec.structs.replace(response, status=304, headers=kept, body=b"")


def _refuse_foreign(scope: Scope, headers: dict[bytes, bytes]) -> None:
    """Raises Denied for a change that a page of another site has a browser send, with a password that it remembers."""
    if scope["method"] in _SAFE:
        return
    said = headers.get(b"origin")
    site = headers.get(b"sec-fetch-site", b"none")
    if said is None:
        foreign = False
    else:
        origin = origin_of(said.decode("latin-1"))
        host = headers.get(b"host", b"").decode("latin-1")
        foreign = origin is None or origin != origin_of(f"{origin.scheme}://{host}")
    if foreign or site not in {b"none", b"same-origin"}:
        raise Denied("changes do not come from pages of other sites")


def _rendered(error: RegistryError, path: str, request_id: str) -> Response:
    told = problem(error, path, request_id)
    headers = [header("content-type", MEDIA_TYPE), *(header(name, value) for name, value in extra_headers(error))]
    return Response(told.status, headers, msgspec.json.encode(told, enc_hook=str))
