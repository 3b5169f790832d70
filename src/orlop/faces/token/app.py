"""The face of `/token`, `/token/device`, `/token/keys` and `/.well-known/jwks.json`."""

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from orlop.domain.access import Caller
from orlop.domain.errors import RegistryError, RequestInvalid, Unauthorized
from orlop.domain.identity.authorization import Basic, Shown, parse_authorization
from orlop.domain.identity.devices import shown_user_code
from orlop.domain.limits import Allowance
from orlop.faces.http.challenge import Challenges
from orlop.faces.http.credentials import Credentials
from orlop.faces.http.errors import MethodNotAllowed, RouteUnknown
from orlop.faces.http.ratelimit import limit_headers
from orlop.faces.http.responses import Response, header
from orlop.faces.http.shell import HttpExchange
from orlop.faces.token.errors import refused_get, refused_post
from orlop.faces.token.request import (
    Grant,
    GrantUnsupported,
    TokenRequest,
    parse_device_form,
    parse_form,
    parse_query,
)
from orlop.ports.clock import SECOND
from orlop.services.identity.authentication import Authentication
from orlop.services.identity.devices import INTERVAL, LIFETIME, DeviceSignIn
from orlop.services.identity.remembered import Proof
from orlop.services.identity.signing import Signing
from orlop.services.identity.tokens import Minted, Tokens

#: The largest form that is read, in bytes.
FORM_MAX = 64 * 1024

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


class _DeviceAnswer(msgspec.Struct):
    device_code: str
    user_code: str
    verification_uri: str
    expires_in: int
    interval: int


class _Confirmed(msgspec.Struct, omit_defaults=True):
    access_token: str
    token_type: str
    account: str
    id: int
    """The number of the token, to revoke it by."""
    expires_in: int | None = None


class TokenServer(msgspec.Struct, frozen=True):
    """What stands behind the token server."""

    authentication: Authentication
    tokens: Tokens
    signing: Signing
    challenges: Challenges
    devices: DeviceSignIn | None
    """None: nobody signs in by a browser here."""
    credentials: Credentials
    admit: Callable[[Caller], Allowance | None]
    """Counts a request. Raises TooManyRequests, or gives what the client is to know."""


class TokenFace:
    """The token server, to clients."""

    route, idle = "token", 10.0

    def __init__(self, server: TokenServer) -> None:
        self._server = server

    async def answer(self, exchange: HttpExchange) -> Response:
        """See `Face`."""
        method, path = exchange.method, exchange.path
        if path in _KEYS:
            _allow(method, "GET", "HEAD")
            keys = {"keys": await self._server.signing.public_keys()}
            return Response(200, _KEYS_HEADERS, msgspec.json.encode(keys))
        if path == "/token/device" and self._server.devices is not None:
            _allow(method, "POST")
            return await self._device(self._server.devices, exchange)
        if path not in {"/token", "/token/"}:
            raise RouteUnknown("there is nothing here; tokens are fetched at /token")
        _allow(method, "GET", "POST")
        if method == "POST":
            request = parse_form(
                exchange.header(b"content-type"), await exchange.content(FORM_MAX, "a request for a token")
            )
        else:
            request = parse_query(exchange.scope["query_string"].decode("latin-1"))
        audience = self._server.signing.terms.audience
        if request.service not in {"", audience}:
            raise RequestInvalid(
                f"tokens for the service {request.service[:64]!r} are not made here, but for {audience}"
            )
        return await self._token(request, exchange)

    async def _device(self, devices: DeviceSignIn, exchange: HttpExchange) -> Response:
        """The codes of a program that wants to be signed in (RFC 8628, section 3.2)."""
        content = await exchange.content(FORM_MAX, "a request for a code")
        client = parse_device_form(exchange.header(b"content-type"), content)
        limited = limit_headers(self._server.admit(exchange.caller))
        codes = await devices.begin(exchange.caller, client)
        page = f"{self._server.challenges.proxies.base(exchange.scope, exchange.headers)}/device"
        shown = shown_user_code(codes.user)
        answer = _DeviceAnswer(codes.device, shown, page, LIFETIME, INTERVAL)
        headers = [header("content-type", "application/json"), *_NO_STORE, *limited]
        return Response(200, headers, msgspec.json.encode(answer))

    async def _redeemed(self, request: TokenRequest, exchange: HttpExchange) -> Response:
        """The personal access token that somebody confirmed (RFC 8628, section 3.5)."""
        limited = limit_headers(self._server.admit(exchange.caller))
        if self._server.devices is None:
            raise GrantUnsupported("nobody signs in by a browser here")
        account, issued = await self._server.devices.redeem(exchange.caller, request.secret)
        seconds = (issued.secret.expires_at - issued.secret.created_at) // SECOND if issued.secret.expires_at else None
        answer = _Confirmed(issued.text, "Bearer", account, issued.secret.id, seconds)
        headers = [header("content-type", "application/json"), *_NO_STORE, *limited]
        return Response(200, headers, msgspec.json.encode(answer))

    async def _token(self, request: TokenRequest, exchange: HttpExchange) -> Response:
        if request.grant is Grant.DEVICE:
            return await self._redeemed(request, exchange)
        kept, caller = request.secret, exchange.caller
        match request.grant:
            case Grant.REFRESH_TOKEN:
                proof: Proof | None = await self._server.authentication.refreshed(
                    kept, address=caller.address, request=caller.request
                )
            case Grant.PASSWORD:
                proof = await self._proof(Basic(request.name, request.secret), caller)
            case Grant.HEADER:
                shown = self._server.credentials.of(exchange.scope, exchange.headers)
                given = _credentials(shown.decode("latin-1"))
                kept = given.secret if isinstance(given, Basic) else ""
                proof = await self._proof(given, caller) if given else None
        if proof is not None:
            caller = exchange.caller = msgspec.structs.replace(caller, subject=proof.subject)
        limited = limit_headers(self._server.admit(caller))
        minted = await self._server.tokens.mint(caller, request.scopes, until=proof.ends if proof else 0)
        refresh = ""
        if request.offline and proof is not None and kept:
            is_kept = request.grant is Grant.REFRESH_TOKEN
            refresh = kept if is_kept else await self._server.tokens.keep(caller, kept, request.client)
        answered = _answered(minted, refresh, oauth=request.grant is not Grant.HEADER)
        return msgspec.structs.replace(answered, headers=[*answered.headers, *limited])

    async def _proof(self, credentials: Basic | Shown, caller: Caller) -> Proof:
        return await self._server.authentication.proof(credentials, address=caller.address, request=caller.request)

    def refusal(self, exchange: HttpExchange, error: RegistryError) -> Response:
        """See `Face`."""
        if exchange.method == "POST":
            response = refused_post(error, exchange.request_id)
        else:
            response = refused_get(error, exchange.request_id, self._server.challenges.basic())
        return msgspec.structs.replace(response, headers=[*response.headers, *_NO_STORE, *limit_headers(None, error)])


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


def _credentials(authorization: str) -> Basic | Shown | None:
    """The name and secret of a header, or a certificate; None without either. Raises Unauthorized for a token: it
    cannot fetch another."""
    given = parse_authorization(authorization) if authorization else None
    if given is None or isinstance(given, Basic | Shown):
        return given
    raise Unauthorized("a token cannot fetch another; send a name and a password or secret with Basic")


def _allow(method: str, *allowed: str) -> None:
    if method not in allowed:
        raise MethodNotAllowed(method, allowed)
