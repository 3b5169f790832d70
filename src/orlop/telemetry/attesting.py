"""Counts of what the registry attested."""

from prometheus_client import CollectorRegistry, Counter


class AttestingMetrics:
    """Attestations that were asked for."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._attestations = Counter(
            "orlop_attestations",
            "Statements that the registry was to sign, by what came of them.",
            ("outcome",),
            registry=registry,
        )

    def counted(self, outcome: str) -> None:
        """One of them. `outcome` is one of a few fixed words (services.attesting.attesting)."""
        self._attestations.labels(outcome).inc()
