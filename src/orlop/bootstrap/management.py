"""Builds management on an open catalog, and its API."""

import secrets
from collections.abc import Callable, Mapping

from orlop.bootstrap.clocks import SystemClock
from orlop.bootstrap.limits import admitting
from orlop.bootstrap.sign_in import SignIn
from orlop.config import Settings
from orlop.config.auth import networks
from orlop.domain.kinds import KINDS
from orlop.domain.secrets import Draw
from orlop.domain.settings import SettingKind
from orlop.faces.api.app import ApiApp, Counted
from orlop.faces.api.routes import routes
from orlop.faces.proxies import Proxies
from orlop.ports.audit import AuditReader
from orlop.ports.catalog import Holdings
from orlop.ports.clock import Clock
from orlop.ports.idempotency import KeptAnswers
from orlop.ports.identity import Identity
from orlop.services.access import Access
from orlop.services.audit_query import AllowedQuery, AuditQuery
from orlop.services.idempotency import Idempotency
from orlop.services.limits import Limits
from orlop.services.management.all import Management
from orlop.services.management.passwords import NewPasswords
from orlop.services.notices import Notices
from orlop.services.repositories import Repositories
from orlop.services.tags.terms import WriteTerms
from orlop.telemetry.requests import RequestLog


def build_management(
    settings: Settings,
    identity: Identity,
    access: Access,
    sign_in: SignIn,
    terms: WriteTerms,
    clock: Clock | None = None,
    draw: Draw = secrets.token_bytes,
    kinds: Mapping[str, SettingKind] = KINDS,
) -> Management:
    """Every service of management. `kinds`: the kinds of settings."""
    return Management.on(
        identity,
        access,
        clock or SystemClock(),
        terms,
        passwords=NewPasswords(identity.passwords, sign_in.hasher, least=settings.auth.password_length),
        draw=draw,
        signing=sign_in.signing,
        kinds=kinds,
        places=settings.secrets.places,
    )


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
