"""A receiver of OTLP over HTTP, strict by the specification (opentelemetry.io/docs/specs/otlp, "OTLP/HTTP"): what it
takes is read by the messages of opentelemetry-proto themselves, and must be what those require."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.serving import eventually


def attributes(of: Any) -> dict[str, str | int]:
    """Of a span or a resource."""
    found: dict[str, str | int] = {}
    for each in of.attributes:
        assert each.key
        assert each.key not in found, "keys are unique"
        kind = each.value.WhichOneof("value")
        assert kind in {"string_value", "int_value"}, kind
        found[each.key] = getattr(each.value, kind)
    return found


class SpanReceiver:
    """What came: spans in the order of their ends, and what said so."""

    def __init__(self) -> None:
        self.port = 0
        self.spans: list[Any] = []
        self.resources: list[dict[str, str | int]] = []
        self.wrong: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        self.seen: list[dict[str, str]] = []
        """The headers of every request, whatever it was."""

    @property
    def url(self) -> str:
        """What a setting names."""
        return f"http://127.0.0.1:{self.port}"

    def take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        """One request. Raises AssertionError for what the protocol does not allow."""
        assert path == "/v1/traces", path
        assert headers["content-type"] == "application/x-protobuf", headers
        self.headers.append(headers)
        request = ExportTraceServiceRequest()
        assert request.ParseFromString(body) == len(body)
        for one in request.resource_spans:
            self.resources.append(attributes(one.resource))
            for scoped in one.scope_spans:
                assert scoped.scope.name == "orlop"
                for span in scoped.spans:
                    assert len(span.trace_id) == 16, span
                    assert span.trace_id.strip(b"\0"), span
                    assert len(span.span_id) == 8, span
                    assert len(span.parent_span_id) in {0, 8}, span
                    assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano, span
                    assert span.name, span
                    assert span.kind, span
                    assert span.status.code in {0, 2}, span
                    attributes(span)
                    self.spans.append(span)

    def named(self, name: str) -> list[Any]:
        """Spans of that name."""
        return [span for span in list(self.spans) if span.name == name]

    def waited(self, name: str) -> Any:
        """The first of that name, once it is there."""
        eventually(f"a span {name}", lambda: bool(self.named(name) or self.wrong))
        assert not self.wrong, self.wrong
        return self.named(name)[0]

    def below(self, span: Any) -> list[Any]:
        """Those whose parent it is."""
        return [each for each in list(self.spans) if each.parent_span_id == span.span_id]

    def forget(self) -> None:
        """Begin with nothing."""
        self.spans.clear()


@contextmanager
def span_receiver(port: int = 0) -> Iterator[SpanReceiver]:
    """A receiver until the block ends."""
    receiver = SpanReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.seen.append(headers)
            try:
                if receiver.status == 200:
                    receiver.take(self.path, headers, body)
            except Exception as wrong:  # noqa: BLE001 - the test asks what was wrong
                receiver.wrong.append(repr(wrong))
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(receiver.status)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    receiver.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
