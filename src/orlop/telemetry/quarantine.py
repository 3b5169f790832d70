"""How much waits in quarantine, how long, and what came out of it, for Prometheus."""

from collections.abc import Iterable
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric

_HOUR, _DAY = 3_600, 86_400


class QuarantineUse(NamedTuple):
    """How many pushes wait, and for how many seconds the oldest of them has."""

    waiting: int
    oldest: float


class QuarantineMetrics:
    """What was decided."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "orlop_quarantine_seconds",
            "For how long what was decided of had waited in quarantine, by what became of it and whether the registry "
            "or a person decided.",
            ("outcome", "by"),
            buckets=(1, 10, 60, 600, _HOUR, 4 * _HOUR, _DAY, 7 * _DAY, 30 * _DAY),
            registry=registry,
        )

    def decided(self, outcome: str, by: str, seconds: float) -> None:
        """One of them: `released` or `refused`, by `itself` or a `person`."""
        self._seconds.labels(outcome, by).observe(seconds)


def quarantine_families(use: QuarantineUse) -> Iterable[Metric]:
    """What is true at the moment of asking."""
    yield GaugeMetricFamily("orlop_quarantine_waiting", "Pushes that wait in quarantine.", value=use.waiting)
    yield GaugeMetricFamily(
        "orlop_quarantine_oldest_seconds", "For how long the oldest of them has waited.", value=use.oldest
    )
