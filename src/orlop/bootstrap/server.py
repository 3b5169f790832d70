"""What one worker of the server runs: the ASGI application on open stores, and the work in the background."""

from collections.abc import Callable

from orlop.bootstrap.blob_stores import cached
from orlop.bootstrap.catalogs import Siblings
from orlop.bootstrap.clocks import RandomIds, SystemClock, request_ids
from orlop.bootstrap.services import Services, build_services
from orlop.bootstrap.stores import Stores, open_stores
from orlop.config import Settings
from orlop.faces.app import Application, RootApp
from orlop.faces.distribution.answers import Answers
from orlop.faces.distribution.app import DistributionApp, Limits
from orlop.faces.distribution.blobs import BlobHandlers
from orlop.faces.distribution.lists import ListHandlers
from orlop.faces.distribution.manifests import ManifestHandlers
from orlop.faces.distribution.redirects import RedirectRules
from orlop.faces.distribution.table import Handlers
from orlop.faces.distribution.uploads import UploadHandlers
from orlop.faces.operation.app import OperationApp
from orlop.faces.operation.readiness import StoreChecks
from orlop.ports.clock import SECOND
from orlop.server import WorkerContext
from orlop.services.worker import Schedule, Worker
from orlop.telemetry.metrics import Metrics
from orlop.telemetry.requests import RequestLog

#: The descriptor of standard output, where the access log goes.
_STDOUT = 1

#: How often sessions that nobody finished are cleared away, in microseconds.
_EXPIRE_EVERY = 60 * SECOND


def application(settings: Settings, context: WorkerContext) -> Application:
    """The application of one worker, on prepared stores. Raises StartRefused."""
    stores = open_stores(settings, Siblings(context.changes, context.number - 1))
    metrics = Metrics()
    services = build_services(settings, stores, cached(settings, stores.blobs.reader, metrics.blob_cache.read))
    log = RequestLog(metrics.requests, _STDOUT if settings.log.access else None, settings.log.format)
    names = request_ids()
    blobs = BlobHandlers(
        services.blobs, RedirectRules(networks=settings.blobs.networks, never_agents=settings.blobs.never_agents)
    )
    worker = _worker(settings, stores, services, metrics)
    checks = StoreChecks({"catalog": stores.catalog.vitals.check, "blobs": stores.blobs.inventory.check})

    async def startup() -> None:
        log.start()
        metrics.worker_started()
        stores.start()
        worker.start()

    async def shutdown() -> None:
        await worker.stop()
        blobs.close()
        await stores.close()
        log.close()

    return RootApp(
        _distribution(settings, stores, services, blobs, log, names),
        OperationApp(checks, stores.catalog.vitals.totals, metrics, log, names, context.draining),
        startup,
        shutdown,
    )


def _distribution(
    settings: Settings,
    stores: Stores,
    services: Services,
    blobs: BlobHandlers,
    log: RequestLog,
    names: Callable[[], str],
) -> DistributionApp:
    handlers = Handlers(
        lists=ListHandlers(stores.catalog.browse, services.referrers),
        manifests=ManifestHandlers(services.manifests, services.pulls),
        blobs=blobs,
        uploads=UploadHandlers(services.uploads, services.blobs, services.access),
    )
    return DistributionApp(
        handlers,
        services.access,
        # Manifests are what is worth remembering; of a blob it is a few hundred bytes.
        Answers(stores.changes, settings.cache.bytes * 3 // 4),
        Answers(stores.changes, settings.cache.bytes // 4),
        log,
        Limits(body_idle=settings.limits.body_idle / SECOND, uploads=settings.uploads.concurrent),
        names,
    )


def _worker(settings: Settings, stores: Stores, services: Services, metrics: Metrics) -> Worker:
    return Worker(
        services.pulls,
        services.collection,
        stores.leases,
        SystemClock(),
        RandomIds(),
        Schedule(expire_every=_EXPIRE_EVERY, collect_every=settings.gc.interval, grace=settings.gc.grace),
        lambda done, seconds: metrics.collection.finished(
            "done", seconds=seconds, links=done.links, blobs=done.removed, freed_bytes=done.freed
        ),
    )
