"""The ASGI application: reads the request, asks for permission, finds the handler, sends its answer, keeps count."""

import re
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any, TypeVar

import msgspec
import structlog

from orlop.domain.access import ANONYMOUS, Action, Caller
from orlop.domain.digest import Digest
from orlop.domain.errors import (
    ContentCorrupt,
    Denied,
    NameUnknown,
    RegistryError,
    RegistryReadOnly,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    UpstreamAway,
)
from orlop.faces.distribution.exchange import Exchange
from orlop.faces.distribution.fetching import Fetching
from orlop.faces.distribution.mirror import Mirror, target_of
from orlop.faces.distribution.plain import Plain, PlainRequest, PreparedAnswer, Reading
from orlop.faces.distribution.pulling import Pulling
from orlop.faces.distribution.request import Request, RequestKind, parse_request
from orlop.faces.distribution.table import FILTERED, LISTS, NEEDS, UPLOADING, WITH_BODY, WRITING, Handlers, table
from orlop.faces.distribution.turnstile import Turnstile
from orlop.faces.distribution.virtual import VirtualHandlers
from orlop.faces.http.asgi import Receive, Scope, Send
from orlop.faces.http.body import RequestBody
from orlop.faces.http.challenge import Challenges
from orlop.faces.http.credentials import Credentials
from orlop.faces.http.errors import render
from orlop.faces.http.headers import combined
from orlop.faces.http.ratelimit import Header, limit_headers
from orlop.faces.http.responses import AnyResponse, Headers, Response, header, rendered
from orlop.faces.http.sending import FILES, Streams, send_response
from orlop.faces.http.shell import unread
from orlop.ports.clock import Clock
from orlop.ports.upstream import UpstreamError
from orlop.services.access.decisions import Access
from orlop.services.access.known_callers import KnownCaller, KnownCallers
from orlop.services.limits.rates import NoPlace, Slow
from orlop.services.read_only.mode import ReadOnlyMode
from orlop.telemetry.requests import RequestLog, RequestRecord

_log = structlog.get_logger("orlop.distribution")


R = TypeVar("R", Response, AnyResponse)

#: Where a server tells who keeps it waiting, and lets them be cut off (server.http).
PACE = "orlop.pace"
#: What a `ns` parameter may be: a host, perhaps with a port.
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?|\[[0-9A-Fa-f:]{2,39}\](?::[0-9]{1,5})?", re.ASCII)

_SERVER = (b"server", b"orlop")
_PULL = (Action.PULL,)
#: Where the scope of a request that was refused at once, and counted, says why.
_REFUSED = "orlop.refused"
#: Whether what could not be answered at once may be below a virtual.
_VIRTUAL = "orlop.virtual"
_READING = frozenset({RequestKind.MANIFEST_GET, RequestKind.BLOB_GET})


class AccessControl(msgspec.Struct, frozen=True):
    """Who asks, whether they may, and where those who may not sign in."""

    known_callers: KnownCallers
    access: Access
    challenges: Challenges
    refused: Callable[[str], None]
    """Counts a refusal by the kind of rule that refused."""
    turnstile: Turnstile
    credentials: Credentials


class DistributionApp:
    """`/v2`. A body may stand still for `body_idle` seconds; `request_ids` gives each request a name that stands in the
    log, in headers and in error bodies."""

    def __init__(
        self,
        handlers: Handlers,
        access_control: AccessControl,
        pulling: Pulling,
        fetching: Fetching,
        virtual: VirtualHandlers,
        log: RequestLog,
        body_idle: float,
        request_ids: Callable[[], str],
        clock: Clock,
        mirror: Mirror,
        read_only: ReadOnlyMode,
    ) -> None:
        self._read_only = read_only
        self._table = table(handlers)
        self._mirror = mirror
        self._access_control = access_control
        self._plain = Plain(access_control.known_callers, access_control.credentials, clock)
        self._pulling = pulling
        self._fetching = fetching
        self._readings: tuple[Reading[Any], ...] = (pulling, fetching)
        self._virtual = virtual
        self._may_be_virtual = virtual.may_be
        self._log = log
        self._body_idle = body_idle
        self._request_ids = request_ids
        self._clock = clock
        self._streams = Streams()

    def at_once(self, scope: Scope) -> tuple[int, bytes, bytes] | None:
        """The whole answer to the most frequent of all requests, as status, fields and body: somebody known asks for a
        manifest or a small blob that is remembered. None for anything else, and for who asks too often."""
        started = time.perf_counter()
        target = scope["raw_path"]
        if self._may_be_virtual(target):
            scope[_VIRTUAL] = True
            return None
        for reading in self._readings:
            whole = reading.recall(target)
            if whole is not None:
                break
        else:
            scope[_VIRTUAL] = False
            return None
        asked = self._plain.read(scope, self._request_ids())
        if asked is None or not asked.gets_whole(whole.repository) or not reading.gives(whole, asked.method):
            return None
        caller, method = asked.caller, asked.method
        try:
            limited = limit_headers(self._access_control.turnstile.admit(caller, reading.kind, method))
        except TooManyRequests as refusal:
            scope[_REFUSED] = refusal
            return None
        reading.seen(whole, asked)
        body = b"" if method == "HEAD" else whole.body
        length = (b"content-length", b"%d" % len(whole.body))
        names = (_SERVER, (b"x-request-id", caller.request.encode()))
        self._note(asked, scope["path"], reading.kind, 200, started, len(body))
        return 200, rendered([*whole.headers(), *names, *limited, length]), body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        started = time.perf_counter()
        request_id = self._request_ids()
        failure: Exception | None = scope.get(_REFUSED)
        counted = failure is not None
        response: AnyResponse | None = None
        try:
            asked = self._plain.read(scope, request_id) if failure is None else None
            if asked is not None:
                virtual = scope.get(_VIRTUAL)
                if virtual or (virtual is None and self._may_be_virtual(asked.target)):
                    asked = None
            given = await self._pulling.warm(asked) or self._fetching.warm(asked) if asked is not None else None
            if asked is not None and given is not None:
                counted = True
                # Before anything is opened for whoever asks too often.
                limited = limit_headers(self._access_control.turnstile.admit(asked.caller, given.kind, asked.method))
                response = await self._placed(await given.respond(), scope, asked.caller)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised again where answers are made of it
            failure = error
        if response is None or asked is None or given is None:
            await self._serve(scope, receive, send, started, request_id, failure, counted=counted)
        else:
            await self._give(given, response, limited, asked, scope, receive, send, started)

    async def _give(
        self,
        given: PreparedAnswer,
        response: AnyResponse,
        limited: tuple[Header, ...],
        asked: PlainRequest,
        scope: Scope,
        receive: Receive,
        send: Send,
        started: float,
    ) -> None:
        """Answer the short way: the most frequent of all answers, so that nothing is done here that can be left."""
        caller = asked.caller
        given.seen()
        error, sent = "", 0
        try:
            more = [_SERVER, (b"x-request-id", caller.request.encode()), *limited]
            error, sent = await self._send(send, receive, response, more, scope, caller)
        finally:
            self._note(asked, scope["path"], given.kind, response.status, started, sent, error)

    def _note(
        self, asked: PlainRequest, path: str, kind: RequestKind, status: int, started: float, sent: int, error: str = ""
    ) -> None:
        """Log a plain request."""
        caller = asked.caller
        self._log.finished(
            RequestRecord(
                request_id=caller.request,
                method=asked.method,
                path=path,
                route=kind.value,
                status=status,
                seconds=time.perf_counter() - started,
                bytes_in=0,
                bytes_out=sent,
                client=caller.address,
                user_agent=asked.headers.get(b"user-agent", b"").decode("latin-1"),
                subject=caller.subject.name,
                credential=caller.subject.credential,
                error=error,
            )
        )

    async def _send(
        self,
        send: Send,
        receive: Receive,
        response: AnyResponse,
        more: Headers,
        scope: Scope,
        caller: Caller,
        linger: Callable[[], Awaitable[None]] | None = None,
    ) -> tuple[str, int]:
        """Send an answer; the code of what cut it short, and the bytes of body that went out."""
        if isinstance(response, Response):
            return "", await send_response(send, response, more, head=scope["method"] == "HEAD", linger=linger)
        try:
            files = FILES in scope.get("extensions", ())
            return "", await self._streams.send(send, receive, response, more, files=files)
        except (ContentCorrupt, Unavailable, UpstreamError) as damage:
            # Too late for an error: to return without the rest cuts the connection.
            tell = _log.warning if isinstance(damage, UpstreamError) else _log.error
            tell("a copy ended early", request_id=caller.request, path=scope["path"], reason=damage.message)
            return damage.code, 0

    async def _serve(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        started: float,
        request_id: str,
        failure: Exception | None,
        *,
        counted: bool,
    ) -> None:
        """Any request. `failure` is what came of trying the short way, and `counted` whether it was counted there."""
        method = scope["method"]
        path = scope["path"]
        caller = Caller(ANONYMOUS, "", request_id)
        body: RequestBody | None = None
        route, error, status, sent = "unknown", "", 500, 0
        headers: dict[bytes, bytes] = {}
        limited: tuple[Header, ...] = ()
        held = ExitStack()
        try:
            try:
                headers = combined(scope["headers"])
                address = self._access_control.challenges.proxies.client(scope, headers)
                caller = Caller(ANONYMOUS, address, request_id)
                body = RequestBody(receive, headers, self._body_idle, http1=scope["http_version"] < "2")
                raw = scope.get("raw_path")
                request = parse_request(
                    method,
                    raw.decode("latin-1") if raw is not None else path,
                    scope["query_string"].decode("latin-1"),
                )
                route = request.kind.value
                target = raw or path.encode()
                if request.query and (namespace := request.parameter("ns")) is not None and _HOST.fullmatch(namespace):
                    meant = await self._mirror.meant(request, namespace, headers.get(b"host", b"").decode("latin-1"))
                    if meant is not request:
                        request, target = meant, target_of(meant)
                authorization = self._access_control.credentials.of(scope, headers)
                by_digest = request.kind in _READING and isinstance(request.reference or request.digest, Digest)
                known_caller = await self._access_control.known_callers.take(
                    authorization, address, request_id, by_digest=by_digest
                )
                caller = Caller(known_caller.subject, address, request_id)
                if not counted:
                    limited = limit_headers(self._access_control.turnstile.admit(caller, request.kind, method))
                if failure is not None:
                    raise failure
                exchange = Exchange(method, headers, body, caller)
                response = await self._placed(
                    await self._answer(scope, target, request, exchange, known_caller), scope, caller
                )
                if isinstance(response, Response) and request.kind in LISTS:
                    held.enter_context(self._access_control.turnstile.held(caller, response))
            except RegistryError as refusal:
                error = refusal.code
                self._read_only.failed(refusal)
                response = self._refused(refusal, request_id, scope, headers)
                self._access_control.turnstile.refused(caller, refusal)
                limited = limit_headers(None, refusal) or limited
                if isinstance(refusal, Unavailable | ContentCorrupt) and not isinstance(refusal, RegistryReadOnly):
                    # the client did nothing wrong: tell the operator
                    cause = repr(refusal.__cause__) if refusal.__cause__ else ""
                    away = isinstance(refusal, UpstreamAway)
                    log, what = (_log.warning, "an upstream failed") if away else (_log.error, "a store failed")
                    log(what, request_id=request_id, path=path, reason=refusal.message, cause=cause)
            except Exception:  # noqa: BLE001 - the last door: a defect of ours becomes a 500 and a log entry
                error = "UNKNOWN"
                _log.exception("a request failed", request_id=request_id, method=method, path=path)
                response = render(RegistryError("the registry failed; its log says why"), request_id)
            status = response.status
            more = [(b"x-request-id", request_id.encode()), _SERVER, *limited]
            closing, linger = await unread(body)
            more.extend(closing)
            cut, sent = await self._send(send, receive, response, more, scope, caller, linger)
            error = cut or error
        finally:
            held.close()
            self._log.finished(
                RequestRecord(
                    request_id=request_id,
                    method=method,
                    path=path,
                    route=route,
                    status=status,
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
        self, scope: Scope, target: bytes, request: Request, exchange: Exchange, known_caller: KnownCaller
    ) -> AnyResponse:
        at = await self._virtual.of(request)
        if request.kind is RequestKind.UPLOAD_START:
            request, exchange = await self._virtual.mounting(request, exchange)
        if at is not None:
            return await self._virtual.answer(
                at,
                request,
                exchange,
                lambda there, asked: self._let_in(there, asked, known_caller),
                lambda there, asked: self._handle(scope, target_of(there), there, asked),
            )
        if request.kind not in FILTERED:
            exchange = await self._let_in(request, exchange, known_caller)
        return await self._handle(scope, target, request, exchange)

    async def _handle(self, scope: Scope, target: bytes, request: Request, exchange: Exchange) -> AnyResponse:
        """The answer to whoever was let in. `target`: what a read is remembered by."""
        kind = request.kind
        if kind in WRITING:
            await self._read_only.check()
        if kind in _READING:
            reading = self._pulling if kind is RequestKind.MANIFEST_GET else self._fetching
            return _named(await reading.answer(target, request, exchange), request)
        if kind not in WITH_BODY and not exchange.body.finished:
            await exchange.body.read(0, "a request of this kind")
        if kind not in UPLOADING:
            return await self._table[kind](request, exchange)
        with self._access_control.turnstile.upload(exchange.caller, _pace(scope)):
            return await self._table[kind](request, exchange)

    async def _placed(self, response: AnyResponse, scope: Scope, caller: Caller) -> AnyResponse:
        """The answer with a place to get it at, if it holds anything open. Raises NoPlace."""
        if isinstance(response, Response):
            return response
        try:
            pace = _pace(scope)
            try:
                seat = self._access_control.turnstile.readers.take(caller, pace)
            except NoPlace:
                seat = await self._access_control.turnstile.seat(caller, pace)
        except BaseException:
            response.content.close()
            raise
        return msgspec.structs.replace(response, leave=seat.leave)

    async def _let_in(self, request: Request, exchange: Exchange, known_caller: KnownCaller) -> Exchange:
        """The exchange, if the caller may; where they may not even know of the repository, it is hidden in it."""
        needs = NEEDS[request.kind]
        actions, tag = needs.of(request)
        repository = request.repository
        is_pull = actions == _PULL
        if is_pull and known_caller.may_pull(repository, self._clock.now()):
            return exchange
        try:
            decision = await self._access_control.access.enter(
                exchange.caller,
                actions,
                repository=repository,
                tag=tag,
                ahead=needs.ahead if exchange.method == "HEAD" else None,
            )
            if is_pull and repository is not None:
                self._access_control.known_callers.remember(known_caller, repository, decision)
        except NameUnknown as unknown:
            self._access_control.refused("hidden")
            self._access_control.turnstile.refused(exchange.caller, unknown)
            return msgspec.structs.replace(exchange, hidden=True)
        return exchange

    def _refused(self, refusal: RegistryError, request_id: str, scope: Scope, headers: dict[bytes, bytes]) -> Response:
        response = render(refusal, request_id)
        if isinstance(refusal, Denied | Unauthorized) and refusal.kind:
            self._access_control.refused(refusal.kind)
        if isinstance(refusal, NoPlace):  # nor is there one to stay at
            response = msgspec.structs.replace(response, headers=[*response.headers, (b"connection", b"close")])
        if isinstance(refusal, Unauthorized):
            challenge = header("www-authenticate", self._access_control.challenges.bearer(refusal, scope, headers))
            response = msgspec.structs.replace(response, headers=[*response.headers, challenge])
        return response


def _pace(scope: Scope) -> Slow | None:
    """The caller's pace, where the server tells how they keep it waiting."""
    pace: Slow | None = scope.get("extensions", {}).get(PACE)
    return pace


def _named(response: R, request: Request) -> R:
    """Name the registry that a mirror's client had in mind: "SHOULD return the ns query parameter value in the
    OCI-Namespace header" (distribution-spec, main branch, "Registry Proxying")."""
    namespace = request.parameter("ns") if request.query else None
    if namespace is None or not _HOST.fullmatch(namespace):
        return response
    return msgspec.structs.replace(response, headers=[*response.headers, header("oci-namespace", namespace)])
