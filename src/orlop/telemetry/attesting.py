"""Counts of what the registry attested, and of what waits for that."""

from collections.abc import Iterable
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily, Metric


class SigningUse(NamedTuple):
    """How many statements wait to be signed or attached, and for how many seconds the first one has."""

    waiting: int
    oldest_seconds: float


class AttestingMetrics:
    """Attestations that were asked for."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._attestations = Counter(
            "orlop_attestations",
            "Statements of the registry about images, by what came of them: attested, refused (tried again), failed.",
            ("outcome",),
            registry=registry,
        )

    def counted(self, outcome: str) -> None:
        """One of them. `outcome` is one of a few fixed words (services.attesting.attesting)."""
        self._attestations.labels(outcome).inc()


def signing_families(use: SigningUse | None) -> Iterable[Metric]:
    """What is true at the moment of asking, where that is known."""
    if use is None:
        return
    yield GaugeMetricFamily(
        "orlop_attestations_waiting", "Statements of the registry that are not signed or not attached yet.", use.waiting
    )
    yield GaugeMetricFamily(
        "orlop_attestations_oldest_seconds", "For how long the first of them has waited.", use.oldest_seconds
    )
