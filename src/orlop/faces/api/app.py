"""The face of /api: who asks, bodies in bounds, answers of before, entity tags."""

from collections.abc import Callable
from typing import Any, Protocol

import msgspec
from litestar import Litestar

from orlop.domain.access import Caller
from orlop.domain.errors import Denied, RegistryError
from orlop.faces.api.exchange import CALLER, PREFIX
from orlop.faces.api.problems import MEDIA_TYPE, KeyReused, extra_headers, problem
from orlop.faces.api.routes import ERROR, REQUEST_ID, description
from orlop.faces.http.counted import Counted
from orlop.faces.http.credentials import Credentials
from orlop.faces.http.origins import origin_of
from orlop.faces.http.ratelimit import limit_headers
from orlop.faces.http.responses import Response, header
from orlop.faces.http.shell import HttpExchange
from orlop.services.management.idempotency import Idempotency, Kept, Reused

#: No body is larger, in bytes.
BODY_MAX = 256 * 1024
#: But of what is taken in of advisories.
_LARGER = {f"{PREFIX}/advisories": 6 * 1024 * 1024}

_DESCRIPTION = f"{PREFIX}/openapi.json"
_PASSWORD = f"{PREFIX}/me/password"
_NAMELESS = (b"host", b"localhost")
#: What goes with every answer.
_GUARDS = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Authenticating(Protocol):
    """Who asks, by the Authorization header, or what stands in its place."""

    async def caller(self, authorization: str, *, address: str, request: str) -> Caller:
        """Raises Unauthorized, TooManyRequests, Unavailable."""
        ...

    async def caller_for_password_change(self, authorization: str, *, address: str, request: str) -> Caller:
        """The same for those who have to change their password first, with nothing but that password."""
        ...


class ApiFace:
    """The management API, to clients."""

    route, idle = "api", 30.0

    def __init__(
        self,
        routes: Litestar,
        authentication: Authenticating,
        idempotency: Idempotency,
        counted: Counted,
        credentials: Credentials,
        failed: Callable[[RegistryError], None] = lambda _: None,
    ) -> None:
        self._failed = failed
        #: The end points, for whoever wants to know which there are.
        self.routes = routes
        self._authentication = authentication
        self._idempotency = idempotency
        self._counted = counted
        self._credentials = credentials
        self._described = b""

    async def answer(self, exchange: HttpExchange) -> Response:
        """See `Face`."""
        exchange.more = list(_GUARDS)
        if exchange.path == _DESCRIPTION and exchange.method in {"GET", "HEAD"}:
            self._described = self._described or description(self.routes)
            return Response(200, [header("content-type", "application/json")], self._described)
        exchange.caller = await self._caller(exchange)
        limited = limit_headers(self._counted.admit(exchange.caller))
        exchange.more.extend(limited)
        return await self._answer(exchange)

    def refusal(self, exchange: HttpExchange, error: RegistryError) -> Response:
        """See `Face`."""
        limited = limit_headers(None, error)
        exchange.more = [*_GUARDS, *limited] if limited or not exchange.more else exchange.more
        self._counted.refused(exchange.caller, error)
        return _rendered(error, exchange.path, exchange.request_id)

    async def _caller(self, exchange: HttpExchange) -> Caller:
        _refuse_foreign(exchange)
        changing = exchange.path == _PASSWORD and exchange.method == "PUT"
        ask = self._authentication.caller_for_password_change if changing else self._authentication.caller
        address, request = exchange.caller.address, exchange.request_id
        shown = self._credentials.of(exchange.scope, exchange.headers).decode("latin-1")
        return await ask(shown, address=address, request=request)

    async def _answer(self, exchange: HttpExchange) -> Response:
        content = await exchange.content(_LARGER.get(exchange.path, BODY_MAX), "a request of this API")
        key, account = exchange.header(b"idempotency-key"), exchange.caller.subject.id
        if exchange.method != "POST" or not key or not account:
            return await self._routed(exchange, content)
        whole = b"\0".join((exchange.path.encode(), exchange.scope["query_string"], content))
        try:
            kept = await self._idempotency.begin(account, key, whole)
        except Reused as reused:
            raise KeyReused("this Idempotency-Key came with another request before; use a new one") from reused
        if kept is not None:
            return Response(kept.status, [*kept.headers, header("idempotency-replayed", "true")], kept.body)
        answer: Kept | None = None
        try:
            response = await self._routed(exchange, content)
            if response.status < 400:
                answer = Kept(response.status, response.headers, response.body)
        finally:
            await self._idempotency.finish(account, key, whole, answer)
        return response

    async def _routed(self, exchange: HttpExchange, content: bytes) -> Response:
        """What the routes answer to a body that is here as a whole."""
        scope, caller = exchange.scope, exchange.caller
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
        added = {CALLER: caller, REQUEST_ID: exchange.request_id, "state": {}}
        inner = {**scope, "method": method, "headers": lines, **added}
        await self.routes(inner, receive, send)  # type: ignore[arg-type]
        start, *rest = sent
        headers = [(name.lower(), value) for name, value in start["headers"] if name.lower() != b"content-length"]
        response = Response(start["status"], headers, b"".join(message.get("body", b"") for message in rest))
        error = inner.get(ERROR)
        if not isinstance(error, RegistryError):
            return _unless_known(exchange, response)
        self._counted.refused(caller, error)
        self._failed(error)
        exchange.error = error.code
        return response


def _unless_known(exchange: HttpExchange, response: Response) -> Response:
    """304 where the client has what it would get (RFC 9110, section 13.1.2)."""
    if exchange.method not in {"GET", "HEAD"} or response.status != 200:
        return response
    tag = dict(response.headers).get(b"etag")
    known = exchange.headers.get(b"if-none-match", b"")
    if tag is None or not known or (known != b"*" and tag not in {part.strip() for part in known.split(b",")}):
        return response
    kept = [one for one in response.headers if one[0] != b"content-type"]
    return msgspec.structs.replace(response, status=304, headers=kept, body=b"")


def _refuse_foreign(exchange: HttpExchange) -> None:
    """Raises Denied for a change that a page of another site has a browser send, with a password that it remembers."""
    headers = exchange.headers
    if exchange.method in _SAFE:
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
