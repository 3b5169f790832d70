"""The works that are measured, a file for each kind."""

from collections.abc import Callable
from typing import NamedTuple

from bench.field import Field
from bench.findings import Finding
from bench.measures import blobs, growth, latency, manifests, memory, pulls, pushes, quotas, replicas, rules, start


class Measure(NamedTuple):
    """A named work and what it takes to measure it."""

    name: str
    run: Callable[[Field], Finding]


MEASURES = (
    Measure("manifest-cold", manifests.cold),
    Measure("manifest-get", manifests.get),
    Measure("manifest-head", manifests.head),
    Measure("blob-16k", blobs.small),
    Measure("blob-1m", blobs.medium),
    Measure("blob-256m", blobs.large),
    Measure("push-256m", pushes.large),
    Measure("push-images", pushes.images),
    Measure("push-ruled", rules.pushes),
    Measure("push-quotas", quotas.pushes),
    Measure("history", rules.history),
    Measure("tags-page", growth.tags),
    Measure("catalog-page", growth.catalog),
    Measure("referrers-page", growth.referrers),
    Measure("head-while-pushing", latency.head_while_pushing),
    Measure("token", latency.token),
    Measure("memory-idle", memory.idle),
    Measure("memory-huge-blob", memory.huge_blob),
    Measure("memory-catalog", memory.large_catalog),
    Measure("start", start.to_ready),
    Measure("image-pull", pulls.image),
    Measure("replicas-push", replicas.pushes),
    Measure("replicas-get", replicas.pulls),
)
