"""Counts of what gates said."""

from prometheus_client import CollectorRegistry, Counter


class GateMetrics:
    """Pulls and pushes of which a gate said something."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._pulls = Counter(
            "orlop_gate_pulls",
            "Pulls of which a gate said something, by what came of them.",
            ("outcome",),
            registry=registry,
        )

        self._pushes = Counter(
            "orlop_gate_pushes",
            "Pushes of manifests of which a gate said something, by what came of them.",
            ("outcome",),
            registry=registry,
        )

    def pushed(self, outcome: str) -> None:
        """One push: refused or warned."""
        self._pushes.labels(outcome).inc()

    def pulled(self, outcome: str) -> None:
        """One of them. `outcome` is one of a few fixed words (services.gates.pulls.GateOutcome)."""
        self._pulls.labels(outcome).inc()
