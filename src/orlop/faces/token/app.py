"""The ASGI application for `/token`, `/token/keys` and `/.well-known/jwks.json`."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog

from orlop.domain.access import ANONYMOUS, Caller
from orlop.domain.authorization import Basic, parse_authorization
from orlop.domain.errors import RegistryError, RequestInvalid, Unauthorized, Unavailable
from orlop.domain.limits import Allowance
from orlop.faces.challenge import Challenges
from orlop.faces.distribution.body import Receive, RequestBody
from orlop.faces.distribution.exchange import combined
from orlop.faces.distribution.request import MethodNotAllowed, RouteUnknown
from orlop.faces.distribution.responses import Headers, Response, header
from orlop.faces.distribution.sending import Send, send_response
from orlop.faces.ratelimit import limit_headers
from orlop.faces.token.errors import refused_get, refused_post
from orlop.faces.token.request import Grant, TokenRequest, parse_form, parse_query
from orlop.services.authentication import Authentication
from orlop.services.remembered import Proof
from orlop.services.signing import Signing
from orlop.services.tokens import Minted, Tokens
from orlop.telemetry.requests import RequestLog, RequestRecord

_log = structlog.get_logger("orlop.token")

Scope = dict[str, Any]

#: The largest form that is read, in bytes; and how long a body may stand still, in seconds.
FORM_MAX = 64 * 1024
_BODY_IDLE = 10.0

_KEYS = frozenset({"/token/keys", "/.well-known/jwks.json"})
#: Public keys change by the month, and the next one is published an hour before it signs.
_KEYS_HEADERS = [header("content-type", "application/jwk-set+json"), header("cache-control", "public, max-age=300")]
#: "The authorization server MUST include the HTTP "Cache-Control" response header field with a value of "no-store" in
#: any response containing tokens" (RFC 6749, section 5.1).
_NO_STORE = [header("cache-control", "no-store"), header("pragma", "no-cache")]


class _Answer(msgspec.Struct, omit_defaults=True):
    token: str
    access_token: str
    expires_in: int
    issued_at: str
    token_type: str | None = None
    scope: str | None = None
    refresh_token: str | None = None


class TokenServer(msgspec.Struct, frozen=True):
    """What stands behind the token server."""

    authentication: Authentication
    tokens: Tokens
    signing: Signing
    challenges: Challenges
    admit: Callable[[Caller], Allowance | None]
    """Counts a request. Raises TooManyRequests, or gives what the client is to know."""


class TokenApp:
    """`request_ids` gives each request a name that stands in the log, in headers and in error bodies."""

    def __init__(self, server: TokenServer, log: RequestLog, request_ids: Callable[[], str]) -> None:
        self._server = server
        self._log = log
        self._request_ids = request_ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        started = time.perf_counter()
        request_id = self._request_ids()
        method, path = scope["method"], scope["path"]
        headers: dict[bytes, bytes] = {}
        body: RequestBody | None = None
        caller, error = Caller(ANONYMOUS), ""
        try:
            headers = combined(scope["headers"])
            body = RequestBody(receive, headers, _BODY_IDLE, http1=scope["http_version"] < "2")
            caller = Caller(ANONYMOUS, self._server.challenges.proxies.client(scope, headers), request_id)
            caller, response = await self._answer(scope, headers, body, caller)
        except RegistryError as refusal:
            error, response = refusal.code, self._refused(method, refusal, request_id)
            if isinstance(refusal, Unavailable):
                _log.error("no token could be made", request_id=request_id, reason=refusal.message)
        except Exception:  # noqa: BLE001 - the last door: a defect of ours becomes a 500 and a log entry
            error = "UNKNOWN"
            _log.exception("a request failed", request_id=request_id, method=method, path=path)
            failure = RegistryError("the registry failed; its log says why")
            response = self._refused(method, failure, request_id)
        more: Headers = [(b"x-request-id", request_id.encode()), (b"server", b"orlop")]
        linger = None
        if body is None or not (body.finished or await body.drain()):
            more.append((b"connection", b"close"))
            linger = body.linger if body is not None else None
        sent = await send_response(send, response, more, head=method == "HEAD", linger=linger)
        self._log.finished(
            RequestRecord(
                request_id=request_id,
                method=method,
                path=path,
                route="token",
                status=response.status,
                seconds=time.perf_counter() - started,
                bytes_in=body.received if body is not None else 0,
                bytes_out=sent,
                client=caller.address,
                user_agent=headers.get(b"user-agent", b"").decode("latin-1"),
                subject=caller.subject.name,
                credential=caller.subject.credential,
                error=error,
            )
        )

    async def _answer(
        self, scope: Scope, headers: dict[bytes, bytes], body: RequestBody, caller: Caller
    ) -> tuple[Caller, Response]:
        """The answer, and who got it."""
        method, path = scope["method"], scope["path"]
        if path in _KEYS:
            _allow(method, "GET", "HEAD")
            keys = {"keys": await self._server.signing.public_keys()}
            return caller, Response(200, _KEYS_HEADERS, msgspec.json.encode(keys))
        if path not in {"/token", "/token/"}:
            raise RouteUnknown("there is nothing here; tokens are fetched at /token")
        _allow(method, "GET", "POST")
        if method == "POST":
            request = parse_form(_text(headers, b"content-type"), await body.read(FORM_MAX, "a request for a token"))
        else:
            request = parse_query(scope["query_string"].decode("latin-1"))
        audience = self._server.signing.terms.audience
        if request.service not in {"", audience}:
            raise RequestInvalid(
                f"tokens for the service {request.service[:64]!r} are not made here, but for {audience}"
            )
        return await self._token(request, _text(headers, b"authorization"), caller)

    async def _token(self, request: TokenRequest, authorization: str, caller: Caller) -> tuple[Caller, Response]:
        kept = request.secret
        match request.grant:
            case Grant.REFRESH_TOKEN:
                proof: Proof | None = await self._server.authentication.refreshed(
                    kept, address=caller.address, request=caller.request
                )
            case Grant.PASSWORD:
                proof = await self._proof(Basic(request.name, request.secret), caller)
            case Grant.HEADER:
                given = _basic(authorization)
                kept = given.secret if given else ""
                proof = await self._proof(given, caller) if given else None
        if proof is not None:
            caller = msgspec.structs.replace(caller, subject=proof.subject)
        limited = limit_headers(self._server.admit(caller))
        minted = await self._server.tokens.mint(caller, request.scopes, until=proof.ends if proof else 0)
        refresh = ""
        if request.offline and proof is not None:
            is_kept = request.grant is Grant.REFRESH_TOKEN
            refresh = kept if is_kept else await self._server.tokens.keep(caller, kept, request.client)
        answered = _answered(minted, refresh, oauth=request.grant is not Grant.HEADER)
        return caller, msgspec.structs.replace(answered, headers=[*answered.headers, *limited])

    async def _proof(self, credentials: Basic, caller: Caller) -> Proof:
        return await self._server.authentication.proof(credentials, address=caller.address, request=caller.request)

    def _refused(self, method: str, refusal: RegistryError, request_id: str) -> Response:
        if method == "POST":
            response = refused_post(refusal, request_id)
        else:
            response = refused_get(refusal, request_id, self._server.challenges.basic())
        return msgspec.structs.replace(response, headers=[*response.headers, *_NO_STORE, *limit_headers(None, refusal)])


def _answered(minted: Minted, refresh: str, *, oauth: bool) -> Response:
    """`issued_at` is "RFC3339-serialized UTC", `scope` what was granted."""
    granted = " ".join(f"{each.type}:{each.name}:{','.join(each.actions)}" for each in minted.access)
    answer = _Answer(
        token=minted.token,
        access_token=minted.token,
        expires_in=minted.expires_in,
        issued_at=datetime.fromtimestamp(minted.issued_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        token_type="Bearer" if oauth else None,
        scope=granted if oauth else None,
        refresh_token=refresh or None,
    )
    return Response(200, [header("content-type", "application/json"), *_NO_STORE], msgspec.json.encode(answer))


def _basic(authorization: str) -> Basic | None:
    """The name and secret of a header; None without one. Raises Unauthorized for a token: it cannot fetch another."""
    given = parse_authorization(authorization) if authorization else None
    if given is None or isinstance(given, Basic):
        return given
    raise Unauthorized("a token cannot fetch another; send a name and a password or secret with Basic")


def _allow(method: str, *allowed: str) -> None:
    if method not in allowed:
        raise MethodNotAllowed(method, allowed)


def _text(headers: dict[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")
