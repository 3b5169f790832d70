"""Traces of a process, where the settings name a receiver: the tracer, and the application whose requests are spans.

Nothing of this is imported where none is named.
"""

import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from orlop import __version__
from orlop.config import Settings
from orlop.faces.http.asgi import Receive, Scope, Send
from orlop.services.jobs.work import Run, Work
from orlop.telemetry import tracing
from orlop.telemetry.exporting import SpanExport
from orlop.telemetry.tracing import Span, SpanKind, Tracer

#: What asks how the server is, all the time.
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
_SPAN = "orlop.span"


def begin_tracing(settings: Settings, counted: Callable[[str, int], None]) -> SpanExport:
    """Have everything that is built from now on in this process make spans."""
    resource = {
        "service.name": "orlop",
        "service.version": __version__,
        "service.instance.id": f"{socket.gethostname()}:{settings.listen}:{os.getpid()}",
        "host.name": socket.gethostname(),
    }
    export = SpanExport(settings.tracing.endpoint, settings.tracing.authorization, resource, counted)
    tracing.use(Tracer(export.take, settings.tracing.sample))
    return export


def traced_works(works: Sequence[Work]) -> Sequence[Work]:
    """Jobs that are spans, each the first of a trace."""
    tracer = tracing.active()
    return works if tracer is None else [_traced_work(work, tracer) for work in works]


def _traced_work(work: Work, tracer: Tracer) -> Work:
    async def do(run: Run) -> str:
        span = tracer.begin(f"job {work.kind.kind}", SpanKind.CONSUMER)
        if span is None:
            return await work.do(run)
        token = tracer.enter(span)
        try:
            return await work.do(run)
        except BaseException as failure:
            span.error = type(failure).__name__
            raise
        finally:
            tracer.leave(token)
            tracer.end(span)

    return msgspec.structs.replace(work, do=do)


class TracedApp:
    """See server.worker.WorkerApplication. What is said of a request in the log is said of its span."""

    def __init__(self, inner: Any, export: SpanExport) -> None:
        tracer = tracing.active()
        assert tracer is not None, "begin_tracing comes first"
        self._inner = inner
        self._tracer = tracer
        self._begin = tracer.begin
        self._export = export
        self.unread = inner.unread
        self._at_once = inner.at_once

    def at_once(self, scope: Scope) -> Any:
        """One request, if its answer is remembered; else its span goes on where it is answered."""
        span = self._begun(scope)
        if span is None:
            return self._at_once(scope)
        token = self._tracer.enter(span)
        try:
            whole = self._at_once(scope)
        finally:
            self._tracer.leave(token)
        if whole is not None:
            self._tracer.end(span)
        return whole

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """One request, or the life of a worker."""
        if scope["type"] == "lifespan":
            return self._live(scope, receive, send)
        span = scope[_SPAN] if _SPAN in scope else self._begun(scope)
        answer: Awaitable[None] = self._inner(scope, receive, send)
        return answer if span is None else self._answered(span, answer)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._export.start()
        try:
            await self._inner(scope, receive, send)
        finally:
            self._export.close()

    async def _answered(self, span: Span, answer: Awaitable[None]) -> None:
        token = self._tracer.enter(span)
        try:
            await answer
        except BaseException as failure:
            span.error = type(failure).__name__
            raise
        finally:
            self._tracer.leave(token)
            self._tracer.end(span)

    def _begun(self, scope: Scope) -> Span | None:
        said = ""
        for name, value in scope["headers"]:
            if name == b"traceparent":
                said = value.decode("latin-1").strip()
                break
        span = self._begin(scope["method"], SpanKind.SERVER, said)
        if span is not None and scope["path"] in _PROBES:
            span = None
        scope[_SPAN] = span
        return span
