"""Counts of what became of promotions."""

from prometheus_client import CollectorRegistry, Counter


class PromotionMetrics:
    """Of one process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._ended = Counter(
            "orlop_promotions",
            "Promotions, by what became of them.",
            ("outcome",),
            registry=registry,
        )

    def ended(self, outcome: str, count: int = 1) -> None:
        """So many of them. `outcome` is one of a few fixed words (services.promotion.outcomes.Became)."""
        self._ended.labels(outcome).inc(count)
