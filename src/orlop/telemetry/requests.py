"""One line in the access log and one count in the metrics for every request, for a few microseconds each.

`RequestLog.finished` only counts; a thread of its own encodes and writes lines and publishes counts ten times a second,
so that neither a slow reader of standard output nor the metrics files ever hold up a request, and many lines made one
after another cost less than each within its request.
"""

import os
import threading
import time
from collections import deque
from datetime import UTC, datetime
from typing import Literal

import msgspec

from orlop.telemetry.metrics import RequestMetrics

#: Seconds between a line being logged and being written, at most, while whoever reads the log keeps up.
DELAY = 0.1
#: POSIX promises that writes of up to this many bytes (PIPE_BUF on Linux) to a pipe are not mixed with those of other
#: processes; so no line is longer, and workers can share one standard output.
WRITE_BYTES = 4096
#: Lines kept while nobody reads the log; those that come after are dropped and counted. Their texts are cut at once
#: where they are longer than this, in characters.
BACKLOG_LINES, BACKLOG_CHARACTERS = 20_000, WRITE_BYTES
#: Characters kept of a long path, user agent or subject, so that a line always fits into one write.
FIELD_CHARACTERS = 160


class RequestRecord(msgspec.Struct, gc=False, omit_defaults=True, tag="request", tag_field="event"):
    """A request that was answered or given up.

    `path` is the path without its query, which may hold what nobody is to read; `route` a short fixed name, from a
    small set, for the metrics; `status` 0 when the client left before an answer began; `seconds` runs from the first
    header to the last byte of the answer; bytes are those of the bodies. `credential` is what the subject was signed in
    with, for people: never a secret. `error` is the code of the first error in the answer. `time` is filled in by the
    log.
    """

    request_id: str
    method: str
    path: str
    route: str
    status: int
    seconds: float
    bytes_in: int
    bytes_out: int
    client: str
    user_agent: str = ""
    subject: str = ""
    credential: str = ""
    error: str = ""
    time: datetime | None = None


class RequestLog:
    """Takes every finished request. `descriptor` is the file descriptor to write lines to; None writes none."""

    def __init__(
        self, metrics: RequestMetrics, descriptor: int | None, style: Literal["json", "console"] = "json"
    ) -> None:
        self._metrics = metrics
        self._descriptor = descriptor
        self._encode = msgspec.json.Encoder().encode if style == "json" else _console_line
        self._records: deque[tuple[float, RequestRecord]] = deque()
        self._pending = False
        self._wake = threading.Event()
        self._ending = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to write. Called in the process that will log, after any fork."""
        self._thread = threading.Thread(target=self._run, name="request-log", daemon=True)
        self._thread.start()

    def finished(self, record: RequestRecord) -> None:
        """Log and count a request."""
        self._metrics.count(
            record.route, record.method, record.status, record.seconds, record.bytes_in, record.bytes_out
        )
        if self._descriptor is not None:
            if len(record.path) + len(record.user_agent) > BACKLOG_CHARACTERS:
                record = _shortened(record)
            if len(self._records) < BACKLOG_LINES:
                self._records.append((time.time(), record))
            else:
                self._metrics.dropped()
        if not self._pending:
            self._pending = True
            self._wake.set()

    def close(self, timeout: float = 2.0) -> None:
        """Write what is left, for at most `timeout` seconds."""
        self._ending = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def _line(self, at: float, record: RequestRecord) -> bytes:
        record.time = datetime.fromtimestamp(at, UTC)
        record.seconds = round(record.seconds, 6)
        try:
            line = self._encode(record)
        except UnicodeEncodeError:
            line = b""
        if not line or len(line) >= WRITE_BYTES:
            line = self._encode(_shortened(record))
        return line

    def _run(self) -> None:
        while not self._ending:
            self._wake.wait()
            if not self._ending:
                time.sleep(DELAY)
            self._wake.clear()
            self._pending = False
            self._write()
            self._metrics.publish()

    def _write(self) -> None:
        """Write all lines, whole lines together up to the size that stays in one piece."""
        batch: list[bytes] = []
        size = 0
        while self._records:
            line = self._line(*self._records.popleft())
            if size + len(line) + 1 > WRITE_BYTES:
                self._put(batch)
                batch, size = [], 0
            batch.append(line)
            size += len(line) + 1
        self._put(batch)

    def _put(self, batch: list[bytes]) -> None:
        if not batch or self._descriptor is None:
            return
        rest = memoryview(b"\n".join(batch) + b"\n")
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            # Nobody reads the log any more, or its disk is full: serving goes on, and the loss shows in the metrics.
            self._metrics.dropped(len(batch))


def _shortened(record: RequestRecord) -> RequestRecord:
    """The record with its free texts cut and made plain ASCII, so that its line fits into one write."""
    return msgspec.structs.replace(
        record,
        **{
            field: getattr(record, field)[:FIELD_CHARACTERS].encode("ascii", "replace").decode()
            for field in ("request_id", "method", "path", "client", "user_agent", "subject", "credential")
        },
    )


def _console_line(record: RequestRecord) -> bytes:
    """The record for people to read."""
    at = record.time.astimezone().strftime("%H:%M:%S") if record.time else ""
    moved = f" {record.bytes_in} B in" if record.bytes_in else ""
    moved += f" {record.bytes_out} B out" if record.bytes_out else ""
    error = f" {record.error}" if record.error else ""
    line = (
        f"{at} {record.status:3} {record.method} {record.path}{error} {record.seconds * 1000:.1f} ms{moved}"
        f" {record.client} {record.user_agent}"
    )
    return (line if line.isprintable() else ascii(line)[1:-1]).encode()
