"""Counts for Prometheus, summed over all workers through files in a folder that the supervisor makes.

Prometheus' client chooses between one process and many when it is imported, by PROMETHEUS_MULTIPROC_DIR; so whoever
starts workers sets that variable before anything imports this module.
"""

import math
import os
import platform
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar, Sample

from orlop import __version__
from orlop.telemetry.advisories import AdvisoryMetrics, families
from orlop.telemetry.attesting import AttestingMetrics, signing_families
from orlop.telemetry.backups import backup_families
from orlop.telemetry.certificates import certificate_families
from orlop.telemetry.gates import GateMetrics
from orlop.telemetry.promotion import PromotionMetrics, promotion_families
from orlop.telemetry.quarantine import QuarantineMetrics, quarantine_families
from orlop.telemetry.scanners import ScannerMetrics, scanner_families
from orlop.telemetry.signatures import SignatureMetrics
from orlop.telemetry.totals import StoreTotals
from orlop.telemetry.traffic import Traffic, traffic_of
from orlop.telemetry.waiting import QueueDepth, Waiting

#: What `render` returns.
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
#: The same with exemplars.
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

#: Upper bounds in seconds, from a remembered manifest to a blob of many GiB.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
#: Methods that are told apart; a client may send any word.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """Every metric of one process; made once in each."""

    def __init__(self) -> None:
        # A second series for every counter, which nobody asked for and which many processes cannot have.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._own = CollectorRegistry()
        self.requests = RequestMetrics(self._own)
        self.collection = CollectionMetrics(self._own)
        self._refusals = Counter(
            "orlop_refusals", "Requests refused, by the kind of rule that did.", ("rule",), registry=self._own
        )
        self.gates = GateMetrics(self._own)
        self.attesting = AttestingMetrics(self._own)
        self.promotions = PromotionMetrics(self._own)
        self.quarantine = QuarantineMetrics(self._own)
        self.signatures = SignatureMetrics(self._own)
        self.blob_cache = BlobCacheMetrics(self._own)
        self.webhooks = WebhookMetrics(self._own)
        self.upstreams = UpstreamMetrics(self._own)
        self.advisories = AdvisoryMetrics(self._own)
        self.scanners = ScannerMetrics(self._own)
        self._jobs = Counter(
            "orlop_jobs_ended", "Tries at jobs that ended, by kind and how.", ("kind", "how"), registry=self._own
        )
        self._retained = Counter(
            "orlop_retention_items",
            "Tags and manifests of plans for retention that were deleted, or left because they had changed.",
            ("outcome",),
            registry=self._own,
        )
        self._evicted = Counter(
            "orlop_upstream_evicted_bytes",
            "Bytes by which less of an upstream is cached, because nobody pulled them for long or for their bound.",
            ("upstream",),
            registry=self._own,
        )
        self._spans = Counter(
            "orlop_trace_spans",
            "Spans, by whether their receiver took them.",
            ("outcome",),
            registry=self._own,
        )
        self._workers = Gauge("orlop_workers", "Workers alive.", registry=self._own, multiprocess_mode="livesum")
        self._respawns = Counter(
            "orlop_worker_respawns", "Workers that ended unasked and were replaced.", registry=self._own
        )

    def worker_started(self) -> None:
        """This process is a worker."""
        self._workers.set(1)

    def spans(self, outcome: str, number: int) -> None:
        """So many spans were `sent` or `dropped`."""
        self._spans.labels(outcome).inc(number)

    def refused(self, rule: str) -> None:
        """Somebody may not do what they asked for. `rule` is one of a few fixed words (domain.access.RuleKind)."""
        self._refusals.labels(rule).inc()

    def job_ended(self, kind: str, how: str) -> None:
        """A try at a job ended. Both are of a few fixed words (domain.job_kinds, domain.queue.JobStep)."""
        self._jobs.labels(kind, how).inc()

    def retained(self, deleted: int, left: int) -> None:
        """A plan for retention was applied, or a part of it."""
        self._retained.labels("deleted").inc(deleted)
        self._retained.labels("left").inc(left)

    def evicted(self, upstream: str, size: int) -> None:
        """So many bytes less are cached of an upstream, a place and a name as `hub/hub`."""
        self._evicted.labels(upstream).inc(size)

    def worker_died(self, pid: int) -> None:
        """Called by the supervisor: a worker ended and is being replaced."""
        forget_process(pid)
        self._respawns.inc()

    def render(self, totals: StoreTotals | None, waiting: Waiting | None = None, *, exemplars: bool = False) -> bytes:
        """All metrics of all workers in Prometheus' text format; sizes of the store, and what waits to be done in the
        background, where they could be read. `exemplars`: in that of OpenMetrics, with traces of this worker beside
        what took long."""
        self.requests.publish()
        registry = CollectorRegistry()
        folder = os.environ.get(FOLDER_VARIABLE)
        counted: Collector = _AllProcesses(Path(folder)) if folder else self._own
        registry.register(_WithExemplars(counted, self.requests.exemplars) if exemplars else counted)
        registry.register(_Momentary(totals, waiting))
        if not exemplars:
            return generate_latest(registry)
        told: bytes = openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call]
        return told

    def traffic(self, now: int) -> Traffic:
        """What all workers counted of requests, but for answers that go on and what asks how the server is."""
        self.requests.publish()
        folder = os.environ.get(FOLDER_VARIABLE)
        return traffic_of((_AllProcesses(Path(folder)) if folder else self._own).collect(), SECONDS, now)


class RequestMetrics:
    """Counts of requests: kept in plain numbers by the event loop, published by `publish` from any thread."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("route", "method")
        self._requests = Counter(
            "orlop_requests", "Requests answered; status 0: the client left.", (*labels, "status"), registry=registry
        )
        self._seconds = Histogram(
            "orlop_request_seconds",
            "Time until the last byte of the answer.",
            labels,
            registry=registry,
            buckets=SECONDS,
        )
        self._bytes_in = Counter("orlop_request_body_bytes", "Bytes of bodies received.", labels, registry=registry)
        self._bytes_out = Counter("orlop_response_body_bytes", "Bytes of bodies sent.", labels, registry=registry)
        self._dropped = Counter("orlop_access_log_dropped_lines", "Access log lines nobody took.", registry=registry)
        self._series: dict[tuple[str, str, int], _Series] = {}
        self._publishing = threading.Lock()
        #: The last trace in each bucket of the histogram, by route, method and its bound.
        self.exemplars: dict[tuple[str, str, float], Exemplar] = {}

    def exemplify(self, route: str, method: str, seconds: float, trace: str) -> None:
        """A request that was counted is traced."""
        index = bisect_left(SECONDS, seconds)
        bound = SECONDS[index] if index < len(SECONDS) else math.inf
        key = route, method if method in METHODS else "other", bound
        self.exemplars[key] = Exemplar({"trace_id": trace}, seconds, time.time())

    def count(self, route: str, method: str, status: int, seconds: float, bytes_in: int, bytes_out: int) -> None:
        """Count a request."""
        series = self._series.get((route, method, status))
        if series is None:
            series = self._new_series(route, method, status)
        series.buckets[bisect_left(SECONDS, seconds)] += 1
        series.seconds += seconds
        series.bytes_in += bytes_in
        series.bytes_out += bytes_out
        # Last, because `publish` looks for changes here from another thread.
        series.count += 1

    def dropped(self, lines: int = 1) -> None:
        """Count lines of the access log that were lost."""
        self._dropped.inc(lines)

    def publish(self) -> None:
        """Hand over to Prometheus what was counted since the last time."""
        with self._publishing:
            for series in list(self._series.values()):
                series.publish()

    def _new_series(self, route: str, method: str, status: int) -> "_Series":
        named = method if method in METHODS else "other"
        series = self._series.get((route, named, status))
        if series is None:
            labels = (route, named)
            series = _Series(
                self._requests.labels(*labels, str(status)),
                self._seconds.labels(*labels),
                self._bytes_in.labels(*labels),
                self._bytes_out.labels(*labels),
            )
            self._series[route, named, status] = series
        return series


class _Series:
    """The counts of one (route, method, status), and how much of them was published."""

    __slots__ = (
        "_children",
        "_published",
        "_published_buckets",
        "buckets",
        "bytes_in",
        "bytes_out",
        "count",
        "seconds",
    )

    def __init__(self, requests: Counter, seconds: Histogram, bytes_in: Counter, bytes_out: Counter) -> None:
        self._children = (requests, seconds, bytes_in, bytes_out)
        self._published: tuple[int, float, int, int] = (0, 0.0, 0, 0)
        self._published_buckets = [0] * (len(SECONDS) + 1)
        self.buckets = [0] * (len(SECONDS) + 1)
        self.count = 0
        self.seconds = 0.0
        self.bytes_in = 0
        self.bytes_out = 0

    def publish(self) -> None:
        count, seconds, bytes_in, bytes_out = self._published
        if self.count == count:
            return
        now = (self.count, self.seconds, self.bytes_in, self.bytes_out)
        buckets = list(self.buckets)
        requests_child, seconds_child, in_child, out_child = self._children
        requests_child.inc(now[0] - count)
        in_child.inc(now[2] - bytes_in)
        out_child.inc(now[3] - bytes_out)
        # The public `observe` takes one value at a time and costs more than all the rest of a request's record.
        seconds_child._sum.inc(now[1] - seconds)
        for index, value in enumerate(buckets):
            if value != self._published_buckets[index]:
                seconds_child._buckets[index].inc(value - self._published_buckets[index])
        self._published = now
        self._published_buckets = buckets


class CollectionMetrics:
    """Runs of the collection, and what they took away."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._runs = Counter("orlop_collection_runs", "Collections by outcome.", ("outcome",), registry=registry)
        self._seconds = Counter("orlop_collection_seconds", "Time spent collecting.", registry=registry)
        self._links = Counter("orlop_collection_links", "Loose links removed.", registry=registry)
        self._blobs = Counter("orlop_collection_blobs", "Blobs removed.", registry=registry)
        self._bytes = Counter("orlop_collection_bytes", "Bytes freed.", registry=registry)

    def finished(self, outcome: str, *, seconds: float, links: int = 0, blobs: int = 0, freed_bytes: int = 0) -> None:
        """A run ended. `outcome` is one of a few fixed words, such as `done`, `lost` or `failed`."""
        self._runs.labels(outcome).inc()
        self._seconds.inc(seconds)
        self._links.inc(links)
        self._blobs.inc(blobs)
        self._bytes.inc(freed_bytes)


class BlobCacheMetrics:
    """Blobs that were opened where there is a cache of them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._reads = Counter("orlop_blob_cache_reads", "Blobs opened, by outcome.", ("outcome",), registry=registry)

    def read(self, outcome: str) -> None:
        """A blob was opened, or went wrong. `outcome` is one of a few fixed words, such as `kept` or `store`."""
        self._reads.labels(outcome).inc()


class WebhookMetrics:
    """Attempts to deliver events."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._attempts = Counter(
            "orlop_webhook_attempts", "Attempts to deliver an event.", ("outcome",), registry=registry
        )

    def attempted(self, fine: bool) -> None:
        """Somebody was sent an event, and took it or not."""
        self._attempts.labels("delivered" if fine else "failed").inc()


class UpstreamMetrics:
    """What upstreams were asked, and what came of it. `upstream` is a place and a name, as `hub/hub`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("upstream",)
        self._requests = Counter(
            "orlop_upstream_requests", "Requests to upstreams.", (*labels, "outcome"), registry=registry
        )
        self._hits = Counter(
            "orlop_upstream_cache_hits", "Pulls of manifests that were cached.", labels, registry=registry
        )
        self._misses = Counter(
            "orlop_upstream_cache_misses", "Pulls of manifests that were fetched.", labels, registry=registry
        )
        self._bytes = Counter(
            "orlop_upstream_bytes", "Bytes of manifests and blobs that came.", labels, registry=registry
        )

    def requested(self, upstream: str, outcome: str) -> None:
        """It was sent a request. `outcome` is one of a few fixed words."""
        self._requests.labels(upstream, outcome).inc()

    def pulled(self, upstream: str, hits: int, misses: int) -> None:
        """So many pulls were served without and with content from there."""
        self._hits.labels(upstream).inc(hits)
        self._misses.labels(upstream).inc(misses)

    def received(self, upstream: str, size: int) -> None:
        """So many bytes came."""
        self._bytes.labels(upstream).inc(size)


def forget_process(pid: int) -> None:
    """Remove what a dead process said about itself alone; what it counted stays in the sums."""
    mark_process_dead(pid)  # type: ignore[no-untyped-call]


class _AllProcesses(Collector):
    """What all processes counted, dead ones too.

    Prometheus' own collector fails at the empty file of a process that is just about to fill it, or that was killed
    before it could.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        files = [str(file) for file in self._folder.glob("*.db") if self._has_begun(file)]
        merged: Iterable[Metric] = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
        return merged

    def _has_begun(self, file: Path) -> bool:
        try:
            return file.stat().st_size > 0
        except FileNotFoundError:
            return False


class _WithExemplars(Collector):
    """What was counted, with traces beside the buckets of how long requests took."""

    def __init__(self, counted: Collector, exemplars: Mapping[tuple[str, str, float], Exemplar]) -> None:
        self._counted = counted
        self._exemplars = exemplars

    def collect(self) -> Iterable[Metric]:
        for family in self._counted.collect():
            if family.name == "orlop_request_seconds":
                family.samples = [self._exemplified(sample) for sample in family.samples]
            yield family

    def _exemplified(self, sample: Sample) -> Sample:
        labels = sample.labels
        if "le" not in labels:
            return sample
        found = self._exemplars.get((labels["route"], labels["method"], float(labels["le"])))
        return sample._replace(exemplar=found) if found is not None else sample


_DEPTHS: tuple[tuple[str, str, Callable[[QueueDepth], float]], ...] = (
    ("waiting", "Jobs that wait.", lambda depth: depth.waiting),
    ("running", "Jobs that run.", lambda depth: depth.running),
    ("failed", "Jobs that failed for good and are still listed.", lambda depth: depth.failed),
    ("oldest_seconds", "How long the oldest job has waited that might run.", lambda depth: depth.oldest),
)


class _Momentary(Collector):
    """What is true at the moment of asking, and the same whichever worker is asked."""

    def __init__(self, totals: StoreTotals | None, waiting: Waiting | None) -> None:
        self._totals = totals
        self._waiting = waiting

    def collect(self) -> Iterable[Metric]:
        build = GaugeMetricFamily("orlop_build_info", "The program.", labels=("version", "python"))
        build.add_metric((__version__, platform.python_version()), 1)
        yield build
        if self._totals is not None:
            for name, meaning, value in (
                ("repositories", "Repositories.", self._totals.repositories),
                ("manifests", "Manifests, counted in every repository that holds them.", self._totals.manifests),
                ("tags", "Tags.", self._totals.tags),
                ("blobs", "Blobs stored, each counted once.", self._totals.blobs),
                ("blob_bytes", "Bytes of blobs stored, each counted once.", self._totals.blob_bytes),
                ("condemned_blobs", "Blobs that nothing links and that wait for their end.", self._totals.condemned),
                ("quarantined_blobs", "Blobs whose copies are damaged: nobody gets them.", self._totals.quarantined),
                ("uploads", "Upload sessions that are open.", self._totals.uploads),
                ("trash_entries", "What was deleted and can be restored.", self._totals.trash),
                ("trash_bytes", "Bytes that this holds, which others may hold, too.", self._totals.trash_bytes),
            ):
                yield GaugeMetricFamily(f"orlop_{name}", meaning, value=value)
        if self._waiting is not None:
            yield from self._waits(self._waiting)
            yield from self._room(self._waiting)
            yield from self._upstreams(self._waiting)
            yield from families(self._waiting.advisories, self._waiting.images)
            yield from scanner_families(self._waiting.scanners)
            yield from backup_families(self._waiting.backups)
            yield from signing_families(self._waiting.signing)
            yield from quarantine_families(self._waiting.quarantine)
            yield from promotion_families(self._waiting.promotions)
            yield from certificate_families(self._waiting.certificates)
            mode = GaugeMetricFamily(
                "orlop_read_only",
                "Whether no writes are taken, by a switch or because a store takes none.",
                labels=("by",),
            )
            for by in ("switch", "store"):
                mode.add_metric([by], float(self._waiting.read_only == by))
            yield mode

    def _room(self, waiting: Waiting) -> Iterable[Metric]:
        labels = ("quota", "place", "of")
        used = GaugeMetricFamily("orlop_quota_used", "What is in use of a quota.", labels=labels)
        limits = GaugeMetricFamily("orlop_quota_limit", "What a quota limits it to.", labels=labels)
        for each in waiting.quotas:
            used.add_metric((each.quota, each.place, each.of), each.used)
            limits.add_metric((each.quota, each.place, each.of), each.limit)
        yield from (used, limits)
        if waiting.disk is not None:
            yield GaugeMetricFamily(
                "orlop_disk_free_bytes", "What is free on the disk of the blobs.", value=waiting.disk.free
            )
            yield GaugeMetricFamily(
                "orlop_disk_reserve_bytes", "What uploads leave free of it.", value=waiting.disk.reserve
            )
            yield GaugeMetricFamily("orlop_disk_size_bytes", "How large it is.", value=waiting.disk.size)

    def _upstreams(self, waiting: Waiting) -> Iterable[Metric]:
        up = GaugeMetricFamily("orlop_upstream_up", "Whether an upstream answers.", labels=("upstream",))
        left = GaugeMetricFamily(
            "orlop_upstream_budget_remaining", "Requests that it lets an account make.", labels=("upstream", "account")
        )
        for each in waiting.upstreams:
            up.add_metric((each.upstream,), each.up)
            for account, remaining in each.left:
                left.add_metric((each.upstream, account), remaining)
        yield from (up, left)

    def _waits(self, waiting: Waiting) -> Iterable[Metric]:
        for name, meaning, value_of in _DEPTHS:
            family = GaugeMetricFamily(f"orlop_jobs_{name}", meaning, labels=("kind",))
            for depth in waiting.jobs:
                family.add_metric((depth.kind,), value_of(depth))
            yield family
        behind = GaugeMetricFamily("orlop_follower_behind_events", "Events not read yet.", labels=("follower",))
        seconds = GaugeMetricFamily("orlop_follower_behind_seconds", "Age of the oldest of them.", labels=("follower",))
        stuck = GaugeMetricFamily("orlop_follower_failures", "Failures at one event.", labels=("follower",))
        for each in waiting.followers:
            behind.add_metric((each.name,), each.events)
            seconds.add_metric((each.name,), each.seconds)
            stuck.add_metric((each.name,), each.failures)
        yield from (behind, seconds, stuck)
        for name, meaning, value in (
            ("pending", "Deliveries that wait for their first or next attempt.", waiting.deliveries),
            ("oldest_seconds", "Age of the oldest of them.", waiting.oldest_seconds),
            ("dead", "Deliveries that were given up and are still kept.", waiting.dead),
            ("paused", "Webhooks that are paused because they failed for days.", waiting.paused),
        ):
            yield GaugeMetricFamily(f"orlop_webhook_{name}", meaning, value=value)
