"""Builds what keeps caches of upstreams within their bounds."""

from orlop.bootstrap.clocks import SystemClock
from orlop.bootstrap.stores.opening import Stores
from orlop.domain.upstreams.upstream import UPSTREAMS
from orlop.services.jobs.worker import Chore
from orlop.services.settings.placed import PlacedSettings
from orlop.services.upstreams.expiry import CacheExpiry
from orlop.telemetry.metrics import Metrics

#: How often a process looks whether a cache is beyond its bound, in seconds.
_LOOK_EVERY = 15.0


def cache_expiry(stores: Stores, metrics: Metrics) -> CacheExpiry:
    """What evicts."""
    catalog = stores.catalog
    return CacheExpiry(
        PlacedSettings(UPSTREAMS, stores.identity.documents, stores.settings_changes),
        catalog.caches,
        catalog.usages,
        catalog.manifests,
        catalog.remote_tags,
        stores.queue.jobs,
        SystemClock(),
        metrics.evicted,
    )


def watching_bounds(stores: Stores, metrics: Metrics) -> Chore:
    """The chore that has a cache looked at that is beyond its bound."""
    return Chore("bounds of caches", _LOOK_EVERY, cache_expiry(stores, metrics).look)
