"""What a worker does that nobody asked for: every job and chore of this release."""

from collections.abc import Sequence

from orlop.bootstrap.clocks import RandomIds, SystemClock
from orlop.bootstrap.server.audit import auditing, telling
from orlop.bootstrap.server.services import Services
from orlop.bootstrap.server.webhooks import sending
from orlop.bootstrap.stores.opening import Stores
from orlop.config import Settings
from orlop.services.collection.garbage import Collected
from orlop.services.collection.upkeep import collecting, writing_pulls
from orlop.services.jobs.worker import Chore, Job, Worker
from orlop.telemetry.metrics import Metrics


def background(
    settings: Settings,
    stores: Stores,
    services: Services,
    metrics: Metrics,
    jobs: Sequence[Job] = (),
    chores: Sequence[Chore] = (),
) -> Worker:
    """The worker of one process; `jobs` and `chores` are those that signing in brings."""
    clock = SystemClock()

    def collected(done: Collected, seconds: float) -> None:
        metrics.collection.finished(
            "done", seconds=seconds, links=done.links, blobs=done.removed, freed_bytes=done.freed
        )

    every_job = [
        *collecting(services.collection, clock, every=settings.gc.interval, grace=settings.gc.grace, done=collected),
        *jobs,
    ]
    every_chore = [
        writing_pulls(services.pulls),
        telling(services.notices),
        *chores,
    ]
    standing = [*auditing(settings, stores), *sending(settings, stores, metrics.webhooks.attempted)]
    return Worker(every_job, every_chore, stores.leases, clock, RandomIds(), standing)
