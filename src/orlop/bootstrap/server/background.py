"""What a worker does that nobody waits for: jobs and chores of this release, and what lasts."""

from collections.abc import Sequence

from orlop.bootstrap.server.attesting import following_statements
from orlop.bootstrap.server.audit import auditing, telling
from orlop.bootstrap.server.inside import following_images
from orlop.bootstrap.server.promotion import following_promotions
from orlop.bootstrap.server.quarantine import following_quarantine
from orlop.bootstrap.server.scanning import following_scans
from orlop.bootstrap.server.services import Services
from orlop.bootstrap.server.upstreams import telling_upstreams
from orlop.bootstrap.server.webhooks import sending
from orlop.bootstrap.stores.opening import Stores
from orlop.config import Settings
from orlop.services.collection.upkeep import writing_pulls
from orlop.services.jobs.queue import JobWorker
from orlop.services.jobs.worker import Chore, Worker
from orlop.telemetry.metrics import Metrics


def background(
    settings: Settings,
    stores: Stores,
    services: Services,
    metrics: Metrics,
    jobs: JobWorker | None,
    chores: Sequence[Chore] = (),
) -> Worker:
    """The worker of one process; `chores` are those that signing in brings."""
    pulls, notices, upstreams = services.pulls, services.notices, services.standings
    every_chore = [writing_pulls(pulls), telling(notices), telling_upstreams(upstreams), *chores]
    lasting = [
        *auditing(settings, stores),
        *sending(settings, stores, metrics.webhooks.attempted),
        *following_images(stores, services),
        *following_scans(settings, stores, services),
        *following_statements(settings, stores, services),
        *following_quarantine(stores, services),
        *following_promotions(stores, services),
    ]
    return Worker(jobs, every_chore, lasting)
