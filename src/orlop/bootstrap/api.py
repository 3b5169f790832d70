"""Builds the API on management. What it is made with takes a while to import, so it is built when it is first asked."""

from collections.abc import Callable

from orlop.bootstrap.clocks import SystemClock
from orlop.bootstrap.limits import admitting
from orlop.bootstrap.sign_in import SignIn
from orlop.config import Settings
from orlop.config.auth import networks
from orlop.faces.api.app import ApiApp, Counted
from orlop.faces.api.routes import routes
from orlop.faces.proxies import Proxies
from orlop.ports.audit import AuditReader
from orlop.ports.catalog import Holdings
from orlop.ports.idempotency import KeptAnswers
from orlop.services.audit_query import AllowedQuery, AuditQuery
from orlop.services.idempotency import Idempotency
from orlop.services.limits import Limits
from orlop.services.management.all import Management
from orlop.services.notices import Notices
from orlop.services.repositories import Repositories
from orlop.telemetry.requests import RequestLog


def api_app(
    settings: Settings,
    management: Management,
    repositories: Repositories,
    sign_in: SignIn,
    answers: KeptAnswers,
    log: RequestLog,
    request_ids: Callable[[], str],
    holdings: Holdings,
    audit: AuditReader | None = None,
    counted: Counted | None = None,
) -> ApiApp:
    """The API, which takes `/api`."""
    proxies = Proxies(networks(settings.trusted_proxies, "trusted_proxies"), settings.auth.url)
    return ApiApp(
        routes(
            management,
            repositories,
            holdings,
            audited=AllowedQuery(AuditQuery(audit), management.gate) if audit is not None else None,
        ),
        sign_in.authentication,
        Idempotency(answers, SystemClock()),
        log,
        request_ids,
        proxies.client,
        counted or Counted(),
    )


def counting(notices: Notices, limits: Limits) -> Counted:
    """What requests of the management API are counted by."""
    return Counted(admitting(limits), notices.noted)
