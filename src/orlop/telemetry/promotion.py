"""What became of promotions, and how many wait, for Prometheus."""

from collections.abc import Iterable
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily, Metric


class PromotionUse(NamedTuple):
    """How many wait for approvals, and how many for a time or for what holds them back."""

    approvals: int
    others: int


class PromotionMetrics:
    """Of one process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._ended = Counter(
            "orlop_promotions", "Promotions, by what became of them.", ("outcome",), registry=registry
        )

    def ended(self, outcome: str, count: int = 1) -> None:
        """So many of them. `outcome` is one of a few fixed words (services.promotion.outcomes.Became)."""
        if count:
            self._ended.labels(outcome).inc(count)


def promotion_families(use: PromotionUse) -> Iterable[Metric]:
    """What is true at the moment of asking."""
    waiting = GaugeMetricFamily("orlop_promotions_waiting", "Promotions that wait.", labels=("for",))
    waiting.add_metric(("approvals",), use.approvals)
    waiting.add_metric(("others",), use.others)
    yield waiting
