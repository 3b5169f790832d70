"""Counts of scans by other scanners, and whether those answer, for Prometheus."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily, Metric


class ScannerUse(NamedTuple):
    """A scanner, a place and a name as `team/trivy`, and whether it answers."""

    scanner: str
    up: bool


class ScannerMetrics:
    """What became of scans."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._scans = Counter(
            "orlop_scans_ended",
            "Scans that ended, by the name of the scanner and how: judged, described (by an SBOM alone), again "
            "(after a failure), or failed.",
            ("scanner", "how"),
            registry=registry,
        )

    def ended(self, scanner: str, how: str) -> None:
        """A scan by a scanner of this name ended, or came to nothing and is tried again."""
        self._scans.labels(scanner, how).inc()


def scanner_families(scanners: Sequence[ScannerUse]) -> Iterable[Metric]:
    """What is true at the moment of asking."""
    up = GaugeMetricFamily("orlop_scanner_up", "Whether a scanner answers.", labels=("scanner",))
    for each in scanners:
        up.add_metric((each.scanner,), each.up)
    yield up
