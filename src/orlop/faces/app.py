"""The root ASGI application: which face takes a request, and what runs when a worker begins and ends."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import structlog

from orlop.faces.http.asgi import Application, Receive, Scope, Send
from orlop.telemetry.requests import RequestLog, RequestRecord

_log = structlog.get_logger("orlop.worker")


class Distribution(Protocol):
    """The face that most requests are for, and that answers many of them at once (server.http)."""

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]: ...
    def at_once(self, scope: Scope) -> tuple[int, bytes, bytes] | None: ...


class Refused(Protocol):
    """A request that the server refused before it asked anybody (server.http.Unread)."""

    @property
    def status(self) -> int: ...
    @property
    def method(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def client(self) -> str: ...


class Unread:
    """Writes such requests into the access log, where those who look for them look."""

    def __init__(self, log: RequestLog, request_ids: Callable[[], str]) -> None:
        self._log = log
        self._request_ids = request_ids

    def __call__(self, refused: Refused) -> None:
        """One request."""
        self._log.finished(
            RequestRecord(
                request_id=self._request_ids(),
                method=refused.method,
                path=refused.target,
                route="unread",
                status=refused.status,
                seconds=0.0,
                bytes_in=0,
                bytes_out=0,
                client=refused.client,
            )
        )


class RootApp:
    """`/v2` goes to the distribution face, the other first components of a path to the face named for them in `others`
    (`token` takes `/token` and all below, `/` the root alone, `:` what may be a reference of an image), and the rest to
    operation.

    `at_once` is that of the distribution face; `unread` is told of what the server refused.
    """

    def __init__(
        self,
        distribution: Distribution,
        operation: Application,
        others: Mapping[str, Application],
        unread: Callable[[Refused], None],
        startup: Callable[[], Awaitable[None]],
        shutdown: Callable[[], Awaitable[None]],
    ) -> None:
        self._distribution = distribution
        self.at_once = distribution.at_once
        self.unread = unread
        self._operation = operation
        self._others = others
        self._startup = startup
        self._shutdown = shutdown

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """One request, or the life of a worker."""
        if scope["type"] == "lifespan":
            return self._live(receive, send)
        path: str = scope["path"]
        if path.startswith("/v2/") or path == "/v2":
            return self._distribution(scope, receive, send)
        first = "/" if path == "/" else path.split("/", 2)[1] if "/" in path else ""
        face = self._others.get(first)
        if face is None:
            pasted = self._others.get(":") if ":" in path or "@" in path else None
            face = pasted or self._operation
        return face(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        """ASGI's lifespan protocol. A failure is reported in its terms: servers take an exception for "unsupported"."""
        for phase, work in (("startup", self._startup), ("shutdown", self._shutdown)):
            await receive()
            try:
                await work()
            except Exception as failure:  # noqa: BLE001 - whatever it is, the server must learn of it
                _log.exception(f"the worker failed at {phase}")
                await send({"type": f"lifespan.{phase}.failed", "message": str(failure)})
                return
            await send({"type": f"lifespan.{phase}.complete"})
