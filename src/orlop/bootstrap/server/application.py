"""What one worker of the server runs: the ASGI application on open stores, and the work in the background."""

from collections.abc import Callable, Mapping
from secrets import token_bytes
from types import MappingProxyType

from orlop.bootstrap.clocks import SystemClock, request_ids
from orlop.bootstrap.server.background import background
from orlop.bootstrap.server.caching import watching_bounds
from orlop.bootstrap.server.first_account import create_first
from orlop.bootstrap.server.gates import build_gates
from orlop.bootstrap.server.jobs import job_worker, keeping
from orlop.bootstrap.server.limits import build_counters, build_limits, build_turnstile, sharing
from orlop.bootstrap.server.people import build_people
from orlop.bootstrap.server.running import Running, looking
from orlop.bootstrap.server.services import Services, build_services
from orlop.bootstrap.server.status import certificates, itself, present
from orlop.bootstrap.server.waiting import waiting
from orlop.bootstrap.server.webhooks import followers
from orlop.bootstrap.stores.blobs import cached
from orlop.bootstrap.stores.catalogs import Siblings
from orlop.bootstrap.stores.opening import Stores, open_stores
from orlop.config import Settings
from orlop.faces.app import Distribution, RootApp, Unread
from orlop.faces.distribution.answers import Answers
from orlop.faces.distribution.app import AccessControl, DistributionApp
from orlop.faces.distribution.blobs import BlobHandlers
from orlop.faces.distribution.budget import Budget
from orlop.faces.distribution.fetching import Fetching
from orlop.faces.distribution.lists import ListHandlers
from orlop.faces.distribution.manifests import ManifestHandlers
from orlop.faces.distribution.mirror import Mirror
from orlop.faces.distribution.pulling import Pulling
from orlop.faces.distribution.redirects import RedirectRules
from orlop.faces.distribution.small import SmallBlobs
from orlop.faces.distribution.table import Handlers
from orlop.faces.distribution.uploads import UploadHandlers
from orlop.faces.distribution.virtual import VirtualHandlers
from orlop.faces.http.asgi import Application
from orlop.faces.http.loopback import LoopbackDistribution, LoopbackOnly
from orlop.faces.http.shell import Shell, socket_address
from orlop.faces.operation.app import OperationFace
from orlop.faces.operation.readiness import StoreChecks
from orlop.ports.clock import SECOND
from orlop.server import WorkerApplication, WorkerContext
from orlop.services.access.known_callers import KnownCallers
from orlop.services.gates.pulls import GatedPulls
from orlop.services.identity.first_account import FirstPassword
from orlop.services.jobs.worker import Chore
from orlop.services.read_only.telling import LOOKED_EVERY, ReadOnlyTelling
from orlop.telemetry.metrics import Metrics
from orlop.telemetry.requests import RequestLog

#: The descriptor of standard output, where the access log goes.
_STDOUT = 1

#: Eighths of `cache.bytes` for manifests, for which blobs there are, and for the content of small ones.
_MANIFESTS, _BLOBS, _SMALL = 6, 1, 1


def application(
    settings: Settings,
    context: WorkerContext,
    first: FirstPassword | None = None,
    store: str = "",
    sources: Mapping[str, str] = MappingProxyType({}),
) -> WorkerApplication:
    """The application of one worker, on prepared stores; `store` is the id of their catalog, `sources` says where each
    setting came from. Raises StartRefused."""
    siblings = Siblings(
        context.changes,
        context.number - 1,
        context.access_changes,
        context.settings_changes,
        context.known_changes,
    )
    metrics = Metrics()
    if not settings.tracing.endpoint:
        return application_on(open_stores(settings, siblings), settings, context, first, store, sources, metrics)
    from orlop.bootstrap.server.tracing import TracedApp, begin_tracing

    # Before anything is built that would make spans.
    export = begin_tracing(settings, metrics.spans)
    inner = application_on(open_stores(settings, siblings), settings, context, first, store, sources, metrics)
    return TracedApp(inner, export)


def application_on(
    stores: Stores,
    settings: Settings,
    context: WorkerContext,
    first: FirstPassword | None = None,
    store: str = "",
    sources: Mapping[str, str] = MappingProxyType({}),
    metrics: Metrics | None = None,
) -> RootApp:
    """The application of one worker, on open stores.

    `first`: the password of an account to make on a catalog that is there only now. `store`: the catalog's id.
    """
    counters = build_counters(context, store)
    limits = build_limits(settings, counters)
    metrics = metrics or Metrics()
    reader = cached(settings, stores.blobs.serving, metrics.blob_cache.read)
    services = build_services(settings, stores, reader, metrics)
    gates = build_gates(stores, services, metrics.gates.pulled)
    log = _log_of(settings)(metrics.requests, _STDOUT if settings.log.access else None, settings.log.format)
    names = request_ids()
    works = keeping(settings, stores, services, metrics)
    checks = StoreChecks({"catalog": stores.catalog.vitals.check, "blobs": stores.blobs.inventory.check})

    async def said() -> Mapping[str, str]:
        return (await checks.result()).checks

    running = Running(sources, context.draining, said, itself=itself(settings))
    people = build_people(settings, stores, services, limits, log, names, works, running)
    sign_in = people.sign_in
    turnstile = build_turnstile(settings, context.descriptors, services.notices, limits)
    telling = ReadOnlyTelling(services.read_only, stores.catalog.read_only, stores.identity.documents, SystemClock())
    chores = (
        watching_bounds(stores, metrics),
        looking(metrics, running.traffic),
        *people.chores,
        *sharing(settings, context, counters, stores.identity.rates),
        Chore("read-only mode", LOOKED_EVERY, telling.look),
        *present(settings, context, stores.catalog.replicas, running.itself),
    )
    jobs = (
        job_worker(stores, people.works, people.schedules, metrics, services.read_only) if settings.jobs.serve else None
    )
    worker = background(settings, stores, services, metrics, jobs, chores)

    async def startup() -> None:
        log.start()
        metrics.worker_started()
        stores.start()
        if first is not None:
            await create_first(stores.identity, first)
        worker.start()

    async def shutdown() -> None:
        await worker.stop()
        await gates.wanted.close()
        await services.close()
        await people.close()
        await stores.close()
        log.close()

    distribution: Distribution = _distribution(
        settings,
        stores,
        services,
        gates.pulls,
        AccessControl(
            KnownCallers(
                sign_in.authentication,
                services.access,
                stores.access_changes,
                SystemClock(),
                token_bytes,
                grace=settings.auth.outage_grace / SECOND,
            ),
            services.access,
            sign_in.challenges,
            metrics.refused,
            turnstile,
            sign_in.credentials,
        ),
        log,
        names,
    )
    faces: Mapping[str, Application] = people.faces
    if settings.open:
        distribution = LoopbackDistribution(distribution, log, names)
        faces = {name: LoopbackOnly(face, log, names) for name, face in faces.items()}
    probes = OperationFace(
        checks,
        stores.catalog.vitals.totals,
        metrics,
        context.draining,
        waiting(stores, followers(settings), services.read_only, certificates(settings)),
        stores.catalog.attestation_keys.public,
        has_exemplars=bool(settings.tracing.endpoint),
    )
    operation = Shell(probes, log, names, socket_address)
    return RootApp(distribution, operation, faces, Unread(log, names), startup, shutdown)


def _log_of(settings: Settings) -> type[RequestLog]:
    if not settings.tracing.endpoint:
        return RequestLog
    from orlop.telemetry.traced_requests import TracedRequestLog

    return TracedRequestLog


def _distribution(
    settings: Settings,
    stores: Stores,
    services: Services,
    gated: GatedPulls,
    access_control: AccessControl,
    log: RequestLog,
    names: Callable[[], str],
) -> DistributionApp:
    clock, budget = SystemClock(), Budget(settings.cache.bytes)
    small = SmallBlobs(budget, _SMALL)
    redirects = RedirectRules(networks=settings.blobs.networks, never_agents=settings.blobs.never_agents)
    blobs = BlobHandlers(services.blobs, services.shown.blobs, small, redirects)
    handlers = Handlers(
        lists=ListHandlers(services.repositories, services.access, services.shown.lists),
        manifests=ManifestHandlers(services.manifests, services.shown.manifests, services.pulls),
        blobs=blobs,
        uploads=UploadHandlers(services.uploads, services.blobs),
    )
    return DistributionApp(
        handlers,
        access_control,
        Pulling(
            handlers.manifests, Answers(stores.changes, budget, _MANIFESTS, clock), access_control.turnstile, gated
        ),
        Fetching(blobs, Answers(stores.changes, budget, _BLOBS, clock), small, access_control.turnstile),
        VirtualHandlers(services.virtuals, services.filling, handlers.lists, handlers.manifests, services.blobs),
        log,
        settings.limits.body_idle / SECOND,
        names,
        clock,
        Mirror(services.shown.shown),
        services.read_only,
    )
