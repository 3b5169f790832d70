"""Spans at the doors of the process: of the store of blobs, and of requests to others, which get `traceparent`."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import aiohttp

from orlop.telemetry.tracing import Span, SpanKind, Tracer, active, current


class Traced:
    """Anything, whose methods that are named are spans: `methods` by the names of their spans."""

    def __init__(self, inner: Any, tracer: Tracer, methods: Mapping[str, str]) -> None:
        self._inner = inner
        self._tracer = tracer
        self._methods = methods

    def __getattr__(self, name: str) -> Any:
        found, span = getattr(self._inner, name), self._methods.get(name)
        if span is None:
            return found
        tracer = self._tracer

        async def traced(*given: Any, **named: Any) -> Any:
            with tracer.within(span, SpanKind.CLIENT):
                return await found(*given, **named)

        self.__dict__[name] = traced
        return traced


def traces_of(what: str, *, alone: bool = False) -> list[aiohttp.TraceConfig]:
    """For a session of requests to others, `what` they are called. `alone`: they belong to no request of ours, and
    begin a trace. Empty where nothing is traced."""
    tracer = active()
    if tracer is None:
        return []
    config = aiohttp.TraceConfig()

    async def start(_: Any, context: SimpleNamespace, asked: aiohttp.TraceRequestStartParams) -> None:
        above = current()
        name = f"{what} {asked.method}"
        span: Span | None
        if above is not None:
            span = Span(name, SpanKind.CLIENT, above.trace, above.id)
        else:
            span = tracer.begin(name, SpanKind.CLIENT) if alone else None
        context.span = span
        if span is not None:
            span.attributes.update({"http.request.method": asked.method, "server.address": asked.url.host or ""})
            asked.headers["traceparent"] = span.traceparent

    async def end(_: Any, context: SimpleNamespace, answered: aiohttp.TraceRequestEndParams) -> None:
        span = context.span
        if span is not None:
            span.attributes["http.response.status_code"] = answered.response.status
            if answered.response.status >= 500:
                span.error = str(answered.response.status)
            tracer.end(span)

    async def failed(_: Any, context: SimpleNamespace, failure: aiohttp.TraceRequestExceptionParams) -> None:
        span = context.span
        if span is not None:
            span.error = type(failure.exception).__name__
            tracer.end(span)

    config.on_request_start.append(start)
    config.on_request_end.append(end)
    config.on_request_exception.append(failed)
    return [config]
