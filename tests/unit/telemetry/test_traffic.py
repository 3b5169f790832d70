"""Figures of requests: what lies between two looks at the counts of all workers."""

from orlop.domain.durations import SECOND
from orlop.telemetry.metrics import SECONDS, Metrics
from orlop.telemetry.traffic import Traffic, TrafficLog


def test_all_that_clients_ask_counts_but_streams_and_probes() -> None:
    metrics = Metrics()
    metrics.worker_started()
    for route, status in (("blob", 200), ("ui", 500), ("manifest", 503), ("live", 200), ("operation", 503)):
        metrics.requests.count(route, "GET", status, 0.02, 3, 100)
    found = metrics.traffic(7)
    assert (found.at, found.requests, found.failures) == (7, 3, 2)
    assert (found.bytes_in, found.bytes_out) == (9, 300)
    assert found.workers == 1
    assert found.buckets == (*(3 if bound == 0.025 else 0 for bound in SECONDS), 0)


def look(at: int, requests: int, failures: int = 0, buckets: tuple[int, ...] = (0, 0, 0)) -> Traffic:
    return Traffic(at * SECOND, requests, failures, requests * 10, 0, buckets, 2)


def test_figures_are_of_the_time_between_looks() -> None:
    log = TrafficLog((0.1, 1.0))
    assert log.lately() is None
    log.add(look(0, 100, 7, (100, 0, 0)))
    assert log.lately() is None
    log.add(look(0, 100))
    log.add(look(10, 200, 8, (199, 1, 0)))
    found = log.lately()
    assert found is not None
    assert (found.seconds, found.per_second, found.failed, found.out_per_second) == (10.0, 10.0, 1, 100.0)
    assert found.median is not None
    assert 0.04 < found.median < 0.06
    assert found.slowest == 0.1
    assert log.workers == 2
    assert [(at, each.per_second) for at, each in log.curve()] == [(10 * SECOND, 10.0)]


def test_what_is_slower_than_the_last_bound_is_told_as_that() -> None:
    log = TrafficLog((0.1, 1.0))
    log.add(look(0, 0))
    log.add(look(10, 5, 0, (0, 0, 5)))
    found = log.lately()
    assert found is not None
    assert (found.median, found.slowest) == (1.0, 1.0)
    log.add(look(5_000, 5, 0, (0, 0, 5)))
    quiet = [each for _, each in log.curve()][-1]
    assert (quiet.per_second, quiet.median) == (0.0, None)
