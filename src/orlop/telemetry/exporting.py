"""Sends spans to a receiver, from a thread of its own: no request waits for it, and a receiver that is away costs the
spans and nothing else.
"""

import http.client
import ssl
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

import structlog

from orlop import __version__
from orlop.telemetry.otlp import encoded
from orlop.telemetry.tracing import Span

_log = structlog.get_logger("orlop.tracing")

#: Spans that wait at most, and that are sent at once; how long others are waited for that go along, and how long the
#: receiver may take, in seconds.
BACKLOG, BATCH, DELAY, PATIENCE = 4096, 512, 0.25, 5.0
#: OTLP over HTTP appends this to the base (opentelemetry.io/docs/specs/otlp, "OTLP/HTTP Request").
_PATH = "/v1/traces"


class SpanExport:
    """`counted` is told of spans, `sent` or `dropped`, and how many; `resource` says what sends them."""

    def __init__(
        self,
        endpoint: str,
        authorization: str,
        resource: Mapping[str, str],
        counted: Callable[[str, int], None],
        delay: float = DELAY,
    ) -> None:
        url = urlsplit(endpoint)
        self._host, self._port, self._is_tls = url.hostname or "", url.port, url.scheme == "https"
        path = url.path.rstrip("/")
        self._path = path if path.endswith(_PATH) else path + _PATH
        self._headers = {"content-type": "application/x-protobuf", "user-agent": f"orlop/{__version__}"}
        if authorization:
            self._headers["authorization"] = authorization
        self._resource = dict(resource)
        self._counted = counted
        self._delay = delay
        self._spans: deque[Span] = deque()
        self._wake, self._ending = threading.Event(), threading.Event()
        self._is_away = False
        self._thread = threading.Thread(target=self._run, name="span-export", daemon=True)

    def start(self) -> None:
        """Begin to send. Called in the process that traces, after any fork."""
        self._thread.start()

    def take(self, span: Span) -> None:
        """A span that ended; one that comes while too many wait is dropped."""
        if len(self._spans) >= BACKLOG:
            self._counted("dropped", 1)
            return
        self._spans.append(span)
        self._wake.set()

    def close(self, timeout: float = 2.0) -> None:
        """Send what is left, for at most `timeout` seconds."""
        self._ending.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._ending.is_set():
            self._wake.wait()
            self._ending.wait(self._delay)
            self._wake.clear()
            while self._spans:
                self._send([self._spans.popleft() for _ in range(min(BATCH, len(self._spans)))])

    def _send(self, spans: Sequence[Span]) -> None:
        trouble = self._posted(encoded(spans, self._resource, __version__))
        self._counted("dropped" if trouble else "sent", len(spans))
        if trouble and not self._is_away:
            _log.warning("traces are lost: their receiver does not take them", receiver=self._host, reason=trouble)
        elif not trouble and self._is_away:
            _log.info("the receiver of traces takes them again", receiver=self._host)
        self._is_away = bool(trouble)

    def _posted(self, content: bytes) -> str:
        """Why they were not taken; empty: they were."""
        connection: http.client.HTTPConnection
        if self._is_tls:
            context = ssl.create_default_context()
            connection = http.client.HTTPSConnection(self._host, self._port, timeout=PATIENCE, context=context)
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=PATIENCE)
        try:
            connection.request("POST", self._path, content, self._headers)
            answer = connection.getresponse()
            answer.read(65_536)
        except (OSError, http.client.HTTPException) as failure:
            return str(failure) or type(failure).__name__
        finally:
            connection.close()
        return "" if answer.status == 200 else f"it answers {answer.status}"
