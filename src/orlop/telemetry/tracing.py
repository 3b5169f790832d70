"""Spans of traces, and how they hang together: within a process by the context of a task, and beyond it by the header
`traceparent` (W3C Trace Context, Recommendation of 23 November 2021).

A process that traces nothing has no tracer, and whoever would make a span asks that once, when it is built.
"""

import random
import re
import time
from collections.abc import Callable
from contextvars import ContextVar, Token
from enum import IntEnum
from types import TracebackType

#: "version-format = trace-id "-" parent-id "-" trace-flags"; a version above 00 may have more behind it.
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED = 1


class SpanKind(IntEnum):
    """As OTLP numbers them (opentelemetry/proto/trace/v1/trace.proto, Span.SpanKind)."""

    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


class Span:
    """Something that took time. Ids are hex digits; times in nanoseconds since 1970; `error` empty: it went well."""

    __slots__ = ("attributes", "began", "ended", "error", "id", "kind", "name", "parent", "trace")

    def __init__(self, name: str, kind: SpanKind, trace: str, parent: str) -> None:
        self.name = name
        self.kind = kind
        self.trace = trace
        self.parent = parent
        self.id = f"{random.getrandbits(64) or 1:016x}"
        self.began = time.time_ns()
        self.ended = 0
        self.attributes: dict[str, str | int] = {}
        self.error = ""

    @property
    def traceparent(self) -> str:
        """Of what it leads to elsewhere."""
        return f"00-{self.trace}-{self.id}-01"


_CURRENT: ContextVar[Span | None] = ContextVar("orlop_span", default=None)


def current() -> Span | None:
    """The span that whoever asks is within; None: nothing is traced here."""
    return _CURRENT.get()


class Within:
    """A block that is a span of its own below the one that it is in; where there is none, it is none."""

    __slots__ = ("_attributes", "_kind", "_name", "_span", "_token", "_tracer")

    def __init__(self, tracer: "Tracer", name: str, kind: SpanKind, attributes: dict[str, str | int]) -> None:
        self._tracer = tracer
        self._name = name
        self._kind = kind
        self._attributes = attributes
        self._span: Span | None = None
        self._token: Token[Span | None] | None = None

    def __enter__(self) -> Span | None:
        above = _CURRENT.get()
        if above is not None:
            self._span = Span(self._name, self._kind, above.trace, above.id)
            self._span.attributes.update(self._attributes)
            self._token = _CURRENT.set(self._span)
        return self._span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._span is not None and self._token is not None:
            _CURRENT.reset(self._token)
            if error is not None:
                self._span.error = type(error).__name__
            self._tracer.end(self._span)


class Tracer:
    """Decides what is traced. `export` takes each span that ended; of `one_in` requests one is traced."""

    def __init__(self, export: Callable[[Span], None], one_in: int) -> None:
        self._export = export
        self._share = 1 / one_in

    def begin(self, name: str, kind: SpanKind, traceparent: str = "") -> Span | None:
        """The first span here of a trace; None: it is not traced."""
        if traceparent:
            found = _TRACEPARENT.fullmatch(traceparent)
            if found is not None and _is_valid(found):
                return Span(name, kind, found[2], found[3]) if int(found[4], 16) & _SAMPLED else None
        if random.random() >= self._share:  # noqa: S311 - which are traced is no secret
            return None
        return Span(name, kind, f"{random.getrandbits(128) or 1:032x}", "")

    def within(self, name: str, kind: SpanKind = SpanKind.INTERNAL, **attributes: str | int) -> Within:
        """For a `with` block."""
        return Within(self, name, kind, attributes)

    def enter(self, span: Span) -> Token[Span | None]:
        """What follows in this context is below it, until `leave`."""
        return _CURRENT.set(span)

    def leave(self, token: Token[Span | None]) -> None:
        """What follows is below what was before."""
        _CURRENT.reset(token)

    def end(self, span: Span) -> None:
        """It took until now."""
        span.ended = time.time_ns()
        self._export(span)


def _is_valid(found: "re.Match[str]") -> bool:
    """ "Version ff is invalid", ids of zeros alone are, and version 00 has nothing behind the flags."""
    version, trace, parent, more = found[1], found[2], found[3], found[5]
    return version != "ff" and trace.strip("0") != "" and parent.strip("0") != "" and (version != "00" or more is None)


_ACTIVE: Tracer | None = None


def use(tracer: Tracer | None) -> None:
    """Have what is built from now on in this process make spans; None: make none."""
    global _ACTIVE
    _ACTIVE = tracer


def active() -> Tracer | None:
    """The tracer of this process; None: it traces nothing."""
    return _ACTIVE
