"""Counts of advisories, of images that are read, and of SBOMs that are attached to them, for Prometheus."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily, Metric


class SourceUse(NamedTuple):
    """A source of advisories: when it was last updated, in seconds since 1970 (0: never), and whether that failed
    since."""

    source: str
    updated_at: float
    failed: bool


class ReadUse(NamedTuple):
    """Images that wait to be read, and that could not be."""

    waiting: int
    unread: int


class AdvisoryMetrics:
    """What imports brought, and SBOMs that were attached."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._records = Counter(
            "orlop_advisory_records", "Advisories that came, by what became of them.", ("outcome",), registry=registry
        )

        self._sboms = Counter(
            "orlop_sboms_attached",
            "SBOMs that were attached to images, by format, and those that the registry refused.",
            ("format", "outcome"),
            registry=registry,
        )

    def attached(self, form: str, outcome: str) -> None:
        """An SBOM was attached to an image, or refused."""
        self._sboms.labels(form, outcome).inc()

    def imported(self, *, changed: int, same: int, refused: int) -> None:
        """An import ended."""
        for outcome, count in (("changed", changed), ("same", same), ("refused", refused)):
            self._records.labels(outcome).inc(count)


def families(sources: Sequence[SourceUse], images: ReadUse | None) -> Iterable[Metric]:
    """What is true at the moment of asking."""
    updated = GaugeMetricFamily(
        "orlop_advisory_source_updated_seconds", "When a source was last updated, since 1970.", labels=("source",)
    )
    failed = GaugeMetricFamily(
        "orlop_advisory_source_failed", "Whether the last update of a source failed.", labels=("source",)
    )
    for each in sources:
        updated.add_metric((each.source,), each.updated_at)
        failed.add_metric((each.source,), each.failed)
    yield from (updated, failed)
    if images is not None:
        family = GaugeMetricFamily("orlop_inside_images", "Images that were not read.", labels=("state",))
        for state, count in images._asdict().items():
            family.add_metric((state,), count)
        yield family
