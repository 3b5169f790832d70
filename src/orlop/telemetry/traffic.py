"""How much is asked of the server and how long it takes, lately: the counts of all its workers, looked at again and
again, and what went on between two looks."""

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Protocol

import msgspec

#: How often somebody looks, in seconds, and for how long looks are kept: an hour.
LOOK_EVERY = 15.0
_KEPT = 240
#: Looks that the last figures are of: five minutes.
_LATELY = 20


class Traffic(msgspec.Struct, frozen=True):
    """Counts since the server began. `at` in microseconds since 1970; `buckets`: requests up to each of
    `telemetry.metrics.SECONDS` and beyond, each counted in one of them."""

    at: int
    requests: int = 0
    failures: int = 0
    """Answers of 500 and above."""
    bytes_out: int = 0
    bytes_in: int = 0
    buckets: tuple[int, ...] = ()
    workers: int = 0

    def since(self, before: "Traffic") -> "Traffic":
        """What came after an earlier look."""
        buckets = tuple(
            after - was for after, was in zip(self.buckets, before.buckets or (0,) * len(self.buckets), strict=True)
        )
        return Traffic(
            self.at - before.at,
            self.requests - before.requests,
            self.failures - before.failures,
            self.bytes_out - before.bytes_out,
            self.bytes_in - before.bytes_in,
            buckets,
            self.workers,
        )


#: Routes that are no traffic: streams last for as long as a page is open, probes are asked whatever goes on.
_NO_TRAFFIC = frozenset({"live", "operation"})
_COUNTED = {
    "orlop_response_body_bytes_total": "out",
    "orlop_request_body_bytes_total": "in",
    "orlop_workers": "workers",
}


class Sample(Protocol):
    """What Prometheus' client counted of something."""

    @property
    def name(self) -> str: ...
    @property
    def labels(self) -> Mapping[str, str]: ...
    @property
    def value(self) -> float: ...


class Family(Protocol):
    """All that it counted of one kind."""

    @property
    def samples(self) -> Sequence[Sample]: ...


def traffic_of(families: Iterable[Family], bounds: Sequence[float], now: int) -> Traffic:
    """What was counted of requests up to now. `bounds`: of the buckets, in seconds."""
    counts: dict[str, int] = dict.fromkeys(("requests", "failures", "out", "in", "workers"), 0)
    cumulated: dict[float, int] = {}
    for family in families:
        for sample in family.samples:
            name, labels, value = sample.name, sample.labels, int(sample.value)
            if labels.get("route") in _NO_TRAFFIC:
                continue
            if name == "orlop_requests_total":
                counts["requests"] += value
                counts["failures"] += value if labels["status"] >= "500" else 0
            elif name == "orlop_request_seconds_bucket":
                bound = float(labels["le"])
                cumulated[bound] = cumulated.get(bound, 0) + value
            elif (counted := _COUNTED.get(name)) is not None:
                counts[counted] += value
    steps = (0, *(cumulated.get(bound, 0) for bound in (*bounds, math.inf)))
    return Traffic(
        now,
        counts["requests"],
        counts["failures"],
        counts["out"],
        counts["in"],
        tuple(after - before for before, after in pairwise(steps)),
        counts["workers"],
    )


class Figures(msgspec.Struct, frozen=True):
    """What went on for some time. Times in seconds, None where nothing was asked."""

    seconds: float
    per_second: float
    failed: int
    median: float | None
    slowest: float | None
    """What 99 of 100 took at most."""
    out_per_second: float


class TrafficLog:
    """The looks of the last hour. `bounds`: of the buckets, in seconds."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._looks: deque[Traffic] = deque(maxlen=_KEPT)

    def add(self, look: Traffic) -> None:
        """The newest; one that is not later than the last is left out."""
        if not self._looks or look.at > self._looks[-1].at:
            self._looks.append(look)

    @property
    def workers(self) -> int:
        """How many there were at the last look."""
        return self._looks[-1].workers if self._looks else 0

    def lately(self) -> Figures | None:
        """Of the last five minutes, or as long as there is anything; None before the second look."""
        if len(self._looks) < 2:
            return None
        return self._figures(self._looks[-1].since(self._looks[max(-len(self._looks), -_LATELY - 1)]))

    def curve(self) -> list[tuple[int, Figures]]:
        """Of each time between two looks, with its end, in microseconds since 1970."""
        looks = list(self._looks)
        return [(after.at, self._figures(after.since(before))) for before, after in pairwise(looks)]

    def _figures(self, moved: Traffic) -> Figures:
        seconds = max(moved.at / 1_000_000, 0.001)
        return Figures(
            seconds=seconds,
            per_second=moved.requests / seconds,
            failed=moved.failures,
            median=self._quantile(moved.buckets, 0.5),
            slowest=self._quantile(moved.buckets, 0.99),
            out_per_second=moved.bytes_out / seconds,
        )

    def _quantile(self, buckets: tuple[int, ...], part: float) -> float | None:
        """As Prometheus has it: within the bucket that it lies in, as if what is there were spread evenly."""
        total = sum(buckets)
        if not total:
            return None
        wanted, below, low = part * total, 0, 0.0
        for count, high in zip(buckets, self._bounds, strict=False):
            if count and below + count >= wanted:
                return low + (high - low) * (wanted - below) / count
            below, low = below + count, high
        return self._bounds[-1]
