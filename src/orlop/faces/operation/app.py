"""The ASGI application for `/healthz`, `/readyz` and `/metrics`; everything else is not found."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from orlop.domain.errors import RegistryError
from orlop.faces.distribution.body import Receive, RequestBody
from orlop.faces.distribution.exchange import combined
from orlop.faces.distribution.responses import Response
from orlop.faces.distribution.sending import Send, send_response
from orlop.faces.operation.readiness import StoreChecks
from orlop.ports.catalog import Totals
from orlop.telemetry.metrics import CONTENT_TYPE, Metrics
from orlop.telemetry.requests import RequestLog, RequestRecord

Scope = dict[str, Any]

#: How long a body that nobody asked for may stand still, in seconds.
_BODY_IDLE = 5.0


class Answer(msgspec.Struct, frozen=True):
    """Status, content type and body."""

    status: int
    content_type: str
    body: bytes


class OperationApp:
    """`draining` tells whether the server is about to end, `totals` counts the store."""

    def __init__(
        self,
        checks: StoreChecks,
        totals: Callable[[], Awaitable[Totals]],
        metrics: Metrics,
        log: RequestLog,
        request_ids: Callable[[], str],
        draining: Callable[[], bool],
    ) -> None:
        self._checks = checks
        self._totals = totals
        self._metrics = metrics
        self._log = log
        self._request_ids = request_ids
        self._draining = draining
        self._routes = {"/healthz": self._health, "/readyz": self._ready, "/metrics": self._measure}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        started = time.perf_counter()
        request_id = self._request_ids()
        headers = combined(scope["headers"])
        body: RequestBody | None = None
        try:
            body = RequestBody(receive, headers, _BODY_IDLE, http1=scope["http_version"] < "2")
            answer = await self._answer(scope["method"], scope["path"])
        except RegistryError as refusal:
            answer = _json(400, {"error": refusal.message})
        more, linger = [(b"x-request-id", request_id.encode())], None
        if body is None or not (body.finished or await body.drain()):
            more.append((b"connection", b"close"))
            linger = body.linger if body is not None else None
        await send_response(send, _rendered(answer), more, head=scope["method"] == "HEAD", linger=linger)
        if answer.status != 200:  # probes that found nothing wrong would fill the log
            self._log.finished(
                RequestRecord(
                    request_id=request_id,
                    method=scope["method"],
                    path=scope["path"],
                    route="operation",
                    status=answer.status,
                    seconds=time.perf_counter() - started,
                    bytes_in=body.received if body else 0,
                    bytes_out=len(answer.body),
                    client=scope["client"][0] if scope.get("client") else "",
                    user_agent=headers.get(b"user-agent", b"").decode("latin-1"),
                )
            )

    async def _answer(self, method: str, path: str) -> Answer:
        route = self._routes.get(path)
        if route is None:
            return _json(404, {"error": "there is nothing here; the registry's API is below /v2/"})
        if method not in {"GET", "HEAD"}:
            return _json(405, {"error": f"{path} answers GET and HEAD"})
        return await route()

    async def _health(self) -> Answer:
        return _json(200, {"status": "alive"})

    async def _ready(self) -> Answer:
        if self._draining():
            return _json(503, {"status": "draining"})
        found = await self._checks.result()
        if found.ready:
            return _json(200, {"status": "ready", "checks": found.checks})
        return _json(503, {"status": "not ready", "checks": found.checks})

    async def _measure(self) -> Answer:
        try:
            totals = await self._totals()
        except RegistryError:
            # The catalog being gone is seen at /readyz; the counts of the workers are worth having all the more.
            totals = None
        return Answer(200, CONTENT_TYPE, self._metrics.render(totals))


def _rendered(answer: Answer) -> Response:
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"cache-control", b"no-store"),
        (b"server", b"orlop"),
    ]
    if answer.status == 405:
        headers.append((b"allow", b"GET, HEAD"))
    return Response(answer.status, headers, answer.body)


def _json(status: int, content: object) -> Answer:
    return Answer(status, "application/json", msgspec.json.encode(content) + b"\n")
