"""Everything about who asks, for one process: who says so, where they sign in, and what keeps that in order."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from orlop.bootstrap.clocks import RandomIds, SystemClock
from orlop.bootstrap.server.browsers import Browsers, build_browsers, build_devices
from orlop.bootstrap.server.desks import build_desks
from orlop.bootstrap.server.directories import build_directories, synchronising
from orlop.bootstrap.server.jobs import scheduling
from orlop.bootstrap.server.limits import admitting, telling_failures
from orlop.bootstrap.server.management import build_management
from orlop.bootstrap.server.pages import mounted, open_pages_app, pages_app
from orlop.bootstrap.server.running import Running
from orlop.bootstrap.server.services import Services
from orlop.bootstrap.server.sign_in import SignIn, Sources, build_sign_in, token_app
from orlop.bootstrap.server.webhooks import messages
from orlop.bootstrap.server.workload import WorkloadTokens
from orlop.bootstrap.stores.opening import Stores
from orlop.config import Settings
from orlop.domain.backup_schedules import BACKUP_SCHEDULES
from orlop.domain.gates.gate import GATES
from orlop.faces.http.asgi import Application
from orlop.faces.http.counted import Counted
from orlop.faces.http.lazily import Lazily
from orlop.faces.ui.live import Watch
from orlop.ports.certificates import CertificateReader
from orlop.services.backup.targets import AllowedTargets
from orlop.services.gates.checks import GateChecks
from orlop.services.identity.directories import Directories
from orlop.services.identity.upkeep import changing_keys, warning_of_ends, writing_uses
from orlop.services.jobs.schedules import Schedules
from orlop.services.jobs.work import Work
from orlop.services.jobs.worker import Chore
from orlop.services.limits.rates import RateLimits
from orlop.services.scanning.tokens import ScanTokens
from orlop.services.webhooks.managed import ManagedWebhooks
from orlop.telemetry.requests import RequestLog


class People(msgspec.Struct, frozen=True):
    """`faces` by the first component of their paths; `close` when done."""

    sign_in: SignIn
    faces: Mapping[str, Application]
    works: tuple[Work, ...]
    schedules: Schedules
    chores: tuple[Chore, ...]
    close: Callable[[], Awaitable[None]]


def build_people(
    settings: Settings,
    stores: Stores,
    services: Services,
    limits: RateLimits,
    log: RequestLog,
    request_ids: Callable[[], str],
    works: Sequence[Work],
    running: Running = Running(),  # noqa: B008 - a value that nothing changes
) -> People:
    """Where `open` lets everybody in there is nobody to manage: then the token server answers, and pages show what
    there is.

    `works`: the jobs that there are whoever signs in; `running`: the server that this is of.
    """
    identity = stores.identity
    directories = build_directories(settings, identity, stores.access_changes)
    sources = Sources(
        (directories,),
        (WorkloadTokens(settings, identity.documents),),
        telling_failures(services.notices, limits),
        limits.check_login,
        ScanTokens(stores.catalog.scanning.scans, SystemClock()),
        _client_certificates(settings),
    )
    sign_in = build_sign_in(
        settings, identity, stores.access_changes, services.access, sources, written=services.virtuals.written
    )
    management = build_management(
        settings,
        identity,
        services.access,
        sign_in,
        stores.catalog.repositories,
        services.terms,
        checks={
            GATES.kind: GateChecks(services.expressions).call,
            BACKUP_SCHEDULES.kind: AllowedTargets(settings.backup.allowed).check,
        },
    )

    hooks = ManagedWebhooks(management.gate, identity.documents, stores.webhooks.log, messages(settings), RandomIds())
    if settings.open:
        tokens = token_app(sign_in, log, request_ids, admitting(limits))
        alone = tuple(works)
        schedules = scheduling(stores, alone)
        desks = build_desks(settings, stores, services, management, hooks, schedules, running)
        shown = mounted(open_pages_app(identity, sign_in, desks, log, request_ids))
        return People(
            sign_in,
            {"token": tokens, ".well-known": tokens, **shown},
            alone,
            schedules,
            (writing_uses(sign_in.uses),),
            _closing(sign_in, directories, None, hooks),
        )

    browsers = build_browsers(settings, identity, sign_in, sources.on_failure, gate=sources.gate)
    devices = build_devices(identity, management.gate, browsers)
    tokens = token_app(sign_in, log, request_ids, admitting(limits), devices)
    faces: dict[str, Application] = {"token": tokens, ".well-known": tokens}
    every_work = (
        *works,
        changing_keys(sign_in.signing),
        warning_of_ends(identity.secrets, SystemClock()),
        synchronising(settings, directories),
        *browsers.jobs,
    )
    schedules = scheduling(stores, every_work)
    desks = build_desks(settings, stores, services, management, hooks, schedules, running)
    counted = Counted(admitting(limits), services.notices.noted)

    def managing() -> Application:
        from orlop.bootstrap.server.api import api_app

        return api_app(settings, desks, sign_in, identity.answers, log, request_ids, counted)

    faces["api"] = Lazily(managing)
    watch = Watch(running.draining, lambda: (stores.queue_changes.current(), stores.access_changes.current()))
    faces.update(mounted(pages_app(settings, identity, sign_in, browsers, desks, log, request_ids, counted, watch)))
    chores = (writing_uses(sign_in.uses),)
    return People(sign_in, faces, every_work, schedules, chores, _closing(sign_in, directories, browsers, hooks))


def _client_certificates(settings: Settings) -> CertificateReader | None:
    """None where nobody may come with one: what reads them takes a while to import."""
    if settings.tls.clients is None:
        return None
    from orlop.adapters.identity.client_certificates import ClientCertificates

    return ClientCertificates(settings.tls.clients, settings.tls.revoked)


def _closing(
    sign_in: SignIn, directories: Directories, browsers: Browsers | None, hooks: ManagedWebhooks | None
) -> Callable[[], Awaitable[None]]:
    async def close() -> None:
        if hooks is not None:
            await hooks.close()
        if browsers is not None:
            await browsers.close()
        directories.close()
        sign_in.close()

    return close
