"""Spans as bytes: what is written is what the messages of opentelemetry-proto read, whatever stands in a span."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from orlop.telemetry.exporting import BACKLOG, SpanExport
from orlop.telemetry.otlp import encoded
from orlop.telemetry.tracing import Span, SpanKind, Tracer, current

TEXTS = st.text(max_size=40)
VALUES = st.one_of(TEXTS, st.integers(-(1 << 63), (1 << 63) - 1))


@given(TEXTS, st.sampled_from(SpanKind), st.dictionaries(TEXTS, VALUES, max_size=5), TEXTS, st.booleans())
def test_every_field_is_read_as_it_was_meant(
    name: str, kind: SpanKind, attributes: dict[str, str | int], error: str, root: bool
) -> None:
    span = Span(name, kind, "0af7651916cd43dd8448eb211c80319c", "" if root else "b7ad6b7169203331")
    span.attributes, span.error, span.ended = attributes, error, span.began + 5
    request = ExportTraceServiceRequest.FromString(encoded([span, span], {"service.name": "orlop"}, "1.0"))
    [resource] = request.resource_spans
    assert [(each.key, each.value.string_value) for each in resource.resource.attributes] == [("service.name", "orlop")]
    [scoped] = resource.scope_spans
    assert (scoped.scope.name, scoped.scope.version, len(scoped.spans)) == ("orlop", "1.0", 2)
    read = scoped.spans[0]
    assert (read.trace_id.hex(), read.span_id.hex(), read.parent_span_id.hex()) == (span.trace, span.id, span.parent)
    assert (read.name, read.kind, read.end_time_unix_nano - read.start_time_unix_nano) == (name, kind, 5)
    assert (read.status.code, read.status.message) == ((2, error) if error else (0, ""))
    told = {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in read.attributes}
    assert told == attributes


def test_spans_hang_together_and_one_in_so_many_is_taken() -> None:
    ended: list[Span] = []
    tracer = Tracer(ended.append, 1)
    with tracer.within("nothing is above") as none:
        assert none is None
    root = tracer.begin("root", SpanKind.SERVER)
    assert root is not None
    token = tracer.enter(root)

    def fail() -> None:
        with tracer.within("child", SpanKind.CLIENT, size=3) as child:
            assert current() is child
            with tracer.within("grandchild"):
                pass
            raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        fail()
    tracer.leave(token)
    assert current() is None
    tracer.end(root)
    assert [(each.name, each.error) for each in ended] == [("grandchild", ""), ("child", "ValueError"), ("root", "")]
    assert ended[0].parent == ended[1].id
    assert ended[1].parent == root.id
    assert {each.trace for each in ended} == {root.trace}
    rare = Tracer(ended.append, 1000)
    assert sum(rare.begin("x", SpanKind.SERVER) is not None for _ in range(2000)) < 40
    assert rare.begin("x", SpanKind.SERVER, root.traceparent) is not None


def test_more_spans_than_can_wait_are_dropped_and_counted() -> None:
    counts: dict[str, int] = {}

    def counted(outcome: str, number: int) -> None:
        counts[outcome] = counts.get(outcome, 0) + number

    export = SpanExport("http://127.0.0.1:9", "", {}, counted)
    for _ in range(BACKLOG + 7):
        export.take(Span("x", SpanKind.INTERNAL, "0" * 31 + "1", ""))
    assert counts == {"dropped": 7}
    export.close()


def test_where_nothing_is_traced_nothing_of_it_is_imported() -> None:
    modules = ("orlop.telemetry.exporting", "orlop.telemetry.otlp", "orlop.telemetry.traced_requests")
    program = (
        "import sys, orlop.bootstrap.server.application, orlop.bootstrap.commands.working\n"
        f"print([name for name in {(*modules, 'orlop.bootstrap.server.tracing', 'opentelemetry')!r}"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"
