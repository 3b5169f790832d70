"""When certificates end that the settings name, for Prometheus."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily, Metric


class CertificateUse(NamedTuple):
    """What the file of a setting holds ends then, in seconds since 1970; None: it cannot be read."""

    setting: str
    ends_at: float | None


def certificate_families(certificates: Sequence[CertificateUse]) -> Iterable[Metric]:
    """What is true at the moment of asking."""
    ends = GaugeMetricFamily(
        "orlop_certificate_ends_seconds",
        "When the first certificate in the file of a setting ends, since 1970.",
        labels=("setting",),
    )
    readable = GaugeMetricFamily(
        "orlop_certificate_readable", "Whether the file of a setting holds certificates.", labels=("setting",)
    )
    for each in certificates:
        readable.add_metric((each.setting,), float(each.ends_at is not None))
        if each.ends_at is not None:
            ends.add_metric((each.setting,), each.ends_at)
    yield from (ends, readable)
