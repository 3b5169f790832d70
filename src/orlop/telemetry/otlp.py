"""Spans in OTLP, by hand: the few messages of opentelemetry-proto 1.x that it takes, whose numbers never change.

`opentelemetry/proto/collector/trace/v1/trace_service.proto` and what it refers to; protocol buffers as in
protobuf.dev/programming-guides/encoding.
"""

from collections.abc import Iterable, Mapping, Sequence

from orlop.telemetry.tracing import Span

_VARINT, _FIXED, _BYTES = 0, 1, 2
#: Status.StatusCode.STATUS_CODE_ERROR
_ERROR = 2
#: Characters kept of a value.
_LONGEST = 1024


def encoded(spans: Sequence[Span], resource: Mapping[str, str], version: str) -> bytes:
    """ExportTraceServiceRequest with one resource and one scope."""
    scope = _text(1, "orlop") + _text(2, version)
    scope_spans = _message(1, scope) + b"".join(_message(2, _span(span)) for span in spans)
    described = b"".join(_message(1, _attribute(key, value)) for key, value in resource.items())
    return _message(1, _message(1, described) + _message(2, scope_spans))


def _span(span: Span) -> bytes:
    """Span"""
    status = _message(15, _text(2, span.error) + _number(3, _ERROR)) if span.error else b""
    return b"".join(
        (
            _raw(1, bytes.fromhex(span.trace)),
            _raw(2, bytes.fromhex(span.id)),
            _raw(4, bytes.fromhex(span.parent)) if span.parent else b"",
            _text(5, span.name),
            _number(6, span.kind),
            _fixed(7, span.began),
            _fixed(8, span.ended),
            *_attributes(span.attributes),
            status,
        )
    )


def _attributes(attributes: Mapping[str, str | int]) -> Iterable[bytes]:
    return (_message(9, _attribute(key, value)) for key, value in attributes.items())


def _attribute(key: str, value: str | int) -> bytes:
    """KeyValue, with an AnyValue."""
    held = _text(1, value) if isinstance(value, str) else _number(3, value)
    return _text(1, key) + _message(2, held)


def _text(field: int, value: str) -> bytes:
    return _raw(field, value[:_LONGEST].encode("utf-8", "replace"))


def _message(field: int, content: bytes) -> bytes:
    return _raw(field, content)


def _raw(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | _BYTES) + _varint(len(content)) + content


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3 | _VARINT) + _varint(value & (1 << 64) - 1)


def _fixed(field: int, value: int) -> bytes:
    return _varint(field << 3 | _FIXED) + value.to_bytes(8, "little")


def _varint(value: int) -> bytes:
    pieces = bytearray()
    while value > 0x7F:
        pieces.append(value & 0x7F | 0x80)
        value >>= 7
    pieces.append(value)
    return bytes(pieces)
