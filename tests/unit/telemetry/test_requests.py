"""The access log and the counts that go with it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from orlop.telemetry.metrics import Metrics
from orlop.telemetry.requests import WRITE_BYTES, RequestLog, RequestRecord


def record(**changes: object) -> RequestRecord:
    fields: dict[str, object] = {
        "request_id": "r1",
        "method": "GET",
        "path": "/v2/app/manifests/latest",
        "route": "manifest",
        "status": 200,
        "seconds": 0.02,
        "bytes_in": 0,
        "bytes_out": 7,
        "client": "127.0.0.1",
    }
    return RequestRecord(**(fields | changes))  # type: ignore[arg-type]


@pytest.fixture
def logged() -> Callable[..., list[bytes]]:
    """Logs records through a pipe; the lines that come out."""

    def run(*records: RequestRecord, metrics: Metrics | None = None, style: str = "json") -> list[bytes]:
        reading, writing = os.pipe()
        log = RequestLog((metrics or Metrics()).requests, writing, style)  # type: ignore[arg-type]
        log.start()
        for each in records:
            log.finished(each)
        log.close()
        os.close(writing)
        with os.fdopen(reading, "rb") as stream:
            return stream.read().splitlines()

    return run


def test_a_line_holds_what_is_known(logged: Callable[..., list[bytes]]) -> None:
    [line] = logged(record(error="MANIFEST_UNKNOWN", status=404))
    entry = json.loads(line)
    assert entry.pop("time").endswith("Z")
    assert entry == {
        "event": "request",
        "request_id": "r1",
        "method": "GET",
        "path": "/v2/app/manifests/latest",
        "route": "manifest",
        "status": 404,
        "seconds": 0.02,
        "bytes_in": 0,
        "bytes_out": 7,
        "client": "127.0.0.1",
        "error": "MANIFEST_UNKNOWN",
    }


@pytest.mark.parametrize("text", ["x" * 100_000, "\x00" * 100_000, "\ud800", "a\nb"])
@pytest.mark.parametrize("field", ["path", "user_agent", "subject", "method"])
@pytest.mark.parametrize("style", ["json", "console"])
def test_no_text_breaks_a_line(logged: Callable[..., list[bytes]], text: str, field: str, style: str) -> None:
    lines = logged(record(**{field: text}), record(), style=style)
    assert len(lines) == 2
    assert all(len(line) < WRITE_BYTES for line in lines)


def test_every_line_comes_out_whole_and_in_order(logged: Callable[..., list[bytes]]) -> None:
    lines = logged(*(record(request_id=str(number)) for number in range(150)))
    assert [json.loads(line)["request_id"] for line in lines] == [str(number) for number in range(150)]


def test_the_console_style_reads_like_text(logged: Callable[..., list[bytes]]) -> None:
    [line] = logged(record(user_agent="docker/24"), style="console")
    assert line.endswith(b" 200 GET /v2/app/manifests/latest 20.0 ms 7 B out 127.0.0.1 docker/24")


def test_a_reader_that_left_is_counted_not_fatal() -> None:
    metrics = Metrics()
    reading, writing = os.pipe()
    os.close(reading)
    log = RequestLog(metrics.requests, writing)
    log.start()
    log.finished(record())
    log.close()
    os.close(writing)
    assert b"orlop_access_log_dropped_lines_total 1.0" in metrics.render(None)


def test_counts_and_latencies_are_published(logged: Callable[..., list[bytes]]) -> None:
    metrics = Metrics()
    logged(
        record(bytes_in=3),
        record(seconds=0.2, bytes_in=4),
        record(status=404),
        record(method="BREW"),
        record(seconds=1e6),
        metrics=metrics,
    )
    page = metrics.render(None).decode()
    for line in (
        'orlop_requests_total{method="GET",route="manifest",status="200"} 3.0',
        'orlop_requests_total{method="GET",route="manifest",status="404"} 1.0',
        'orlop_requests_total{method="other",route="manifest",status="200"} 1.0',
        'orlop_request_seconds_bucket{le="0.01",method="GET",route="manifest"} 0.0',
        'orlop_request_seconds_bucket{le="0.025",method="GET",route="manifest"} 2.0',
        'orlop_request_seconds_bucket{le="0.25",method="GET",route="manifest"} 3.0',
        'orlop_request_seconds_bucket{le="+Inf",method="GET",route="manifest"} 4.0',
        'orlop_request_seconds_count{method="GET",route="manifest"} 4.0',
        'orlop_request_body_bytes_total{method="GET",route="manifest"} 7.0',
        'orlop_response_body_bytes_total{method="GET",route="manifest"} 28.0',
    ):
        assert line + "\n" in page


SEVERAL_PROCESSES = """
import os, sys
from orlop.telemetry.metrics import Metrics
metrics = Metrics()
children = []
for _ in range(2):
    pid = os.fork()
    if not pid:
        mine = Metrics()
        mine.worker_started()
        mine.requests.count("manifest", "GET", 200, 0.02, 1, 2)
        mine.requests.publish()
        os._exit(0)
    children.append(pid)
for pid in children:
    os.waitpid(pid, 0)
metrics.worker_died(children[0])
sys.stdout.buffer.write(metrics.render(None))
"""


def test_all_workers_are_summed_and_the_dead_are_not_alive(tmp_path: object) -> None:
    page = subprocess.run(
        [sys.executable, "-c", SEVERAL_PROCESSES],
        env={"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PATH": os.environ["PATH"]},
        check=True,
        capture_output=True,
        timeout=60,
    ).stdout.decode()
    assert 'orlop_requests_total{method="GET",route="manifest",status="200"} 2.0\n' in page
    assert 'orlop_request_seconds_count{method="GET",route="manifest"} 2.0\n' in page
    assert "orlop_workers 1.0\n" in page
    assert "orlop_worker_respawns_total 1.0\n" in page
