"""Counts of what came out of quarantine by itself, or was refused there."""

from prometheus_client import CollectorRegistry, Counter


class QuarantineMetrics:
    """What the job decides; what people do is in the audit log."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._decided = Counter(
            "orlop_quarantine_decided",
            "What came out of quarantine by itself or was refused for nobody let it out, by outcome.",
            ("outcome",),
            registry=registry,
        )

    def decided(self, outcome: str) -> None:
        """One of them: `released` or `refused`."""
        self._decided.labels(outcome).inc()
