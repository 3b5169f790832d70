"""The face of `/healthz`, `/readyz`, `/metrics` and the public keys below `/signing`; everything else is not found."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import msgspec

from orlop.domain.errors import RegistryError
from orlop.faces.http.errors import status_of
from orlop.faces.http.responses import Response
from orlop.faces.http.shell import HttpExchange
from orlop.faces.operation.readiness import StoreChecks
from orlop.ports.attesting import AttestationKey
from orlop.ports.catalog import Totals
from orlop.telemetry.metrics import CONTENT_TYPE, OPENMETRICS, Metrics
from orlop.telemetry.waiting import Waiting

#: What Prometheus asks for where it takes exemplars.
_OPENMETRICS = "application/openmetrics-text"


class Answer(msgspec.Struct, frozen=True):
    """Status, content type and body."""

    status: int
    content_type: str
    body: bytes


class OperationFace:
    """`draining` tells whether the server is about to end, `totals` counts the store, `waiting` what is to be done,
    `keys` gives the keys that sign for the registry, which anybody may know. `has_exemplars`: requests are traced, and
    metrics say of which traces, to those who ask for OpenMetrics."""

    route, idle = "operation", 5.0

    def __init__(
        self,
        checks: StoreChecks,
        totals: Callable[[], Awaitable[Totals]],
        metrics: Metrics,
        draining: Callable[[], bool],
        waiting: Callable[[], Awaitable[Waiting]],
        keys: Callable[[], Awaitable[Sequence[AttestationKey]]],
        *,
        has_exemplars: bool = False,
    ) -> None:
        self._has_exemplars = has_exemplars
        self._checks = checks
        self._totals = totals
        self._metrics = metrics
        self._draining = draining
        self._waiting = waiting
        self._keys = keys
        self._routes = {
            "/healthz": self._health,
            "/readyz": self._ready,
            "/metrics": self._measure,
            "/signing/key.pem": self._key,
            "/signing/keys.json": self._every_key,
        }

    async def answer(self, exchange: HttpExchange) -> Response:
        """See `Face`."""
        answer = await self._answer(exchange)
        exchange.is_logged = answer.status != 200  # probes that found nothing wrong would fill the log
        return _rendered(answer)

    def refusal(self, exchange: HttpExchange, error: RegistryError) -> Response:
        """See `Face`."""
        return _rendered(_json(status_of(error), {"error": error.message}))

    async def _answer(self, exchange: HttpExchange) -> Answer:
        method, path = exchange.method, exchange.path
        route = self._routes.get(path)
        if route is None:
            return _json(404, {"error": "there is nothing here; the registry's API is below /v2/"})
        if method not in {"GET", "HEAD"}:
            return _json(405, {"error": f"{path} answers GET and HEAD"})
        if self._has_exemplars and path == "/metrics" and _OPENMETRICS in exchange.header(b"accept"):
            return await self._measure(exemplars=True)
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

    async def _measure(self, *, exemplars: bool = False) -> Answer:
        try:
            totals, waiting = await self._totals(), await self._waiting()
        except RegistryError:
            # The catalog being gone is seen at /readyz; the counts of the workers are worth having all the more.
            totals, waiting = None, None
        kind = OPENMETRICS if exemplars else CONTENT_TYPE
        return Answer(200, kind, self._metrics.render(totals, waiting, exemplars=exemplars))

    async def _key(self) -> Answer:
        """The public key that signs, in PEM."""
        found = next((key for key in await self._keys() if not key.retired_at), None)
        if found is None:
            return _json(404, {"error": "this registry signs nothing"})
        return Answer(200, "application/x-pem-file", found.public)

    async def _every_key(self) -> Answer:
        """The public keys that sign or signed, newest first, with their spans as RFC 3339."""
        keys = [
            {
                "id": key.id,
                "public": key.public.decode(),
                "from": _moment(key.created_at),
                "until": _moment(key.retired_at),
            }
            for key in await self._keys()
        ]
        return _json(200, {"keys": keys})


def _moment(at: int) -> str | None:
    return datetime.fromtimestamp(at // 1_000_000, UTC).isoformat().replace("+00:00", "Z") if at else None


def _rendered(answer: Answer) -> Response:
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"cache-control", b"no-store"),
    ]
    if answer.status == 405:
        headers.append((b"allow", b"GET, HEAD"))
    return Response(answer.status, headers, answer.body)


def _json(status: int, content: object) -> Answer:
    return Answer(status, "application/json", msgspec.json.encode(content) + b"\n")
