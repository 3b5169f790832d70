"""The log of requests where they are traced: each says what it was to its span, and its trace to the histogram."""

from typing import Literal

from orlop.telemetry.metrics import RequestMetrics
from orlop.telemetry.requests import RequestLog, RequestRecord
from orlop.telemetry.tracing import Span, current


class TracedRequestLog(RequestLog):
    """See RequestLog."""

    def __init__(
        self, metrics: RequestMetrics, descriptor: int | None, style: Literal["json", "console"] = "json"
    ) -> None:
        super().__init__(metrics, descriptor, style)
        self._measured = metrics
        self._finished = super().finished

    def finished(self, record: RequestRecord) -> None:
        """Log and count a request."""
        span = current()
        if span is not None:
            self._tell(span, record)
        self._finished(record)

    def _tell(self, span: Span, record: RequestRecord) -> None:
        span.name = f"{record.method} {record.route}"
        # OpenTelemetry's semantic conventions for HTTP, 1.27: neither query nor client, which the access log has.
        span.attributes.update(
            {
                "http.request.method": record.method,
                "http.route": record.route,
                "url.path": record.path,
                "http.response.status_code": record.status,
                "http.response.body.size": record.bytes_out,
                "orlop.request_id": record.request_id,
            }
        )
        if record.status >= 500:
            span.error = record.error or str(record.status)
        self._measured.exemplify(record.route, record.method, record.seconds, span.trace)
