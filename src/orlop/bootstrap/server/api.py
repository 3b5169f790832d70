"""Builds the API on management. What it is made with takes a while to import, so it is built when it is first asked."""

from collections.abc import Callable

from orlop.bootstrap.clocks import SystemClock
from orlop.bootstrap.server.limits import admitting
from orlop.bootstrap.server.sign_in import SignIn
from orlop.config import Settings
from orlop.config.auth import networks
from orlop.faces.api.app import ApiFace, Counted
from orlop.faces.api.routes import routes
from orlop.faces.http.proxies import Proxies
from orlop.faces.http.shell import Shell
from orlop.ports.audit import AuditReader
from orlop.ports.catalog import Holdings, TagHistory
from orlop.ports.idempotency import KeptAnswers
from orlop.ports.labels import LabelStore
from orlop.ports.locks import Locks
from orlop.services.audit.notices import Notices
from orlop.services.audit.query import AllowedQuery, AuditQuery
from orlop.services.browse.all import Browsing
from orlop.services.content.labels import ContentLabels
from orlop.services.content.manifests import Manifests
from orlop.services.content.repositories import Repositories
from orlop.services.following.followers import Followers
from orlop.services.limits.rates import RateLimits
from orlop.services.management.all import Management
from orlop.services.management.idempotency import Idempotency
from orlop.services.management.jobs import JobDesk
from orlop.services.management.scrub import ScrubDesk
from orlop.services.retention.desk import RetentionDesk
from orlop.services.retention.in_use import InUseSets
from orlop.services.retention.inventory import InventoryPages
from orlop.services.tags.past import TagPast
from orlop.services.trash.trash import Trash
from orlop.services.upstreams.desk import UpstreamDesk
from orlop.services.usage.reports import UsageReports
from orlop.services.webhooks.managed import ManagedWebhooks
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
    history: TagHistory,
    manifests: Manifests,
    locks: Locks,
    trash: Trash,
    labels: LabelStore,
    audit: AuditReader | None = None,
    counted: Counted | None = None,
    managed: ManagedWebhooks | None = None,
    following: Followers | None = None,
    jobs: JobDesk | None = None,
    usage: UsageReports | None = None,
    retained: RetentionDesk | None = None,
    in_use: InUseSets | None = None,
    inventory: InventoryPages | None = None,
    scrubbed: ScrubDesk | None = None,
    fetched: UpstreamDesk | None = None,
    browsing: Browsing | None = None,
) -> Shell:
    """The API, which takes `/api`."""
    proxies = Proxies(networks(settings.trusted_proxies, "trusted_proxies"), settings.auth.url)
    face = ApiFace(
        routes(
            management,
            repositories,
            holdings,
            TagPast(management.gate, history, manifests, trash),
            locks,
            trash,
            ContentLabels(management.gate, labels, manifests, repositories),
            audited=AllowedQuery(AuditQuery(audit), management.gate) if audit is not None else None,
            managed=managed,
            following=following,
            desk=jobs,
            reports=usage,
            retained=retained,
            in_use=in_use,
            inventory=inventory,
            scrubbed=scrubbed,
            fetched=fetched,
            browsing=browsing,
        ),
        sign_in.authentication,
        Idempotency(answers, SystemClock()),
        counted or Counted(),
    )
    return Shell(face, log, request_ids, proxies.client)


def counting(notices: Notices, limits: RateLimits) -> Counted:
    """What requests of the management API are counted by."""
    return Counted(admitting(limits), notices.noted)
