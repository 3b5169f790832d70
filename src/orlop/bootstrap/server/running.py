"""What a server knows of itself, and the pages of whoever runs it: jobs, webhooks, the audit log, health."""

from collections.abc import Callable, Mapping

import msgspec

from orlop import __version__
from orlop.bootstrap.clocks import SystemClock
from orlop.faces.ui.audit import AuditPages
from orlop.faces.ui.backups import BackupPages
from orlop.faces.ui.health import HealthPages
from orlop.faces.ui.inside.sources import AdvisoryPages
from orlop.faces.ui.jobs import JobPages
from orlop.faces.ui.live import Live, Watch
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.read_only import ReadOnlyPages
from orlop.faces.ui.routes import PageGroup
from orlop.faces.ui.signing import SigningPages
from orlop.faces.ui.webhooks import WebhookPages
from orlop.ports.replicas import Replica
from orlop.services.desks import Desks
from orlop.services.health.health import Checks
from orlop.services.jobs.worker import Chore
from orlop.telemetry.metrics import SECONDS, Metrics
from orlop.telemetry.traffic import LOOK_EVERY, TrafficLog


async def _unchecked() -> Mapping[str, str]:
    return {}


class Running(msgspec.Struct, frozen=True):
    """A server that runs. `sources`: where the values of its settings came from, by key; `draining`: it is about to
    end; `itself`: as other servers know it."""

    sources: Mapping[str, str] = {}
    draining: Callable[[], bool] = lambda: False
    checks: Checks = _unchecked
    traffic: TrafficLog = msgspec.field(default_factory=lambda: TrafficLog(SECONDS))
    itself: Replica = Replica("", "", __version__, 1, 0, 0)


def looking(metrics: Metrics, traffic: TrafficLog) -> Chore:
    """The chore that looks at the counts of all workers."""
    clock = SystemClock()

    async def look() -> None:
        traffic.add(metrics.traffic(clock.now()))

    return Chore("figures of requests", LOOK_EVERY, look)


def running_pages(pages: Pages, desks: Desks, live: Live, watch: Watch) -> tuple[PageGroup, ...]:
    """All of them."""
    return (
        JobPages(pages, desks.jobs, live, watch.jobs),
        WebhookPages(pages, desks.hooks, desks.webhooks),
        AuditPages(pages, desks.audit),
        HealthPages(pages, desks),
        AdvisoryPages(pages, desks),
        BackupPages(pages, desks.backups),
        ReadOnlyPages(pages, desks.read_only, desks.management),
        SigningPages(pages, desks.attestation_keys, desks.management.gate),
    )
