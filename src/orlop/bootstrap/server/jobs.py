"""Builds what does jobs: every kind that a process knows, when they run by themselves, and who does them."""

import random
from collections.abc import Sequence

from orlop.bootstrap.clocks import RandomIds, SystemClock
from orlop.bootstrap.server.advisories import build_finding_history, build_matching, build_updating
from orlop.bootstrap.server.attesting import build_attesting
from orlop.bootstrap.server.backups import build_backup_times, build_scheduled_backups
from orlop.bootstrap.server.caching import cache_expiry
from orlop.bootstrap.server.inside import build_reading, build_vex_reading
from orlop.bootstrap.server.promotion import build_automatic, build_due_promotions
from orlop.bootstrap.server.quarantine import build_letting_out, build_watch
from orlop.bootstrap.server.retention import retaining
from orlop.bootstrap.server.scanning import build_scanning
from orlop.bootstrap.server.services import Services, build_scrub, build_sweep, build_verification
from orlop.bootstrap.server.upstreams import prefetching
from orlop.bootstrap.stores.opening import Stores
from orlop.config import Settings
from orlop.domain.job_kinds import JOB_KINDS
from orlop.services.advisories.work import matching
from orlop.services.collection.garbage import Collected
from orlop.services.collection.upkeep import collecting, sweeping
from orlop.services.jobs.due import Together
from orlop.services.jobs.history import forgetting
from orlop.services.jobs.queue import JobWorker
from orlop.services.jobs.schedules import Schedules
from orlop.services.jobs.work import Work
from orlop.services.read_only.mode import ReadOnlyMode
from orlop.services.settings.ends import telling_of_ends
from orlop.services.stores.scrubbing import scrubbing
from orlop.services.stores.verifying import verifying
from orlop.services.usage.keeping import recording, recounting
from orlop.telemetry.metrics import Metrics
from orlop.telemetry.tracing import active


def keeping(settings: Settings, stores: Stores, services: Services, metrics: Metrics) -> tuple[Work, ...]:
    """What keeps the stores in order, whoever may sign in."""
    clock = SystemClock()

    def collected(done: Collected, seconds: float) -> None:
        metrics.collection.finished(
            "done", seconds=seconds, links=done.links, blobs=done.removed, freed_bytes=done.freed
        )

    return (
        *collecting(services.collection, clock, every=settings.gc.interval, grace=settings.gc.grace, done=collected),
        sweeping(build_sweep(stores)),
        verifying(build_verification(stores), stores.catalog.vitals.totals),
        recording(stores.catalog.usage_keeping, clock),
        recounting(stores.catalog.usage_keeping),
        *retaining(stores, services, metrics),
        *cache_expiry(stores, metrics).works(),
        scrubbing(build_scrub(settings, stores), stores.catalog.vitals.totals),
        prefetching(stores, services.shown),
        *build_reading(stores, services, metrics.advisories.attached).works(),
        *build_vex_reading(stores, services).works(),
        telling_of_ends(stores.catalog.setting_ends, clock),
        build_due_promotions(stores, services).work(),
        matching(build_matching(stores), build_watch(stores, services).known, build_automatic(stores, services).known),
        build_letting_out(stores, services).work(),
        build_updating(settings, stores, services, metrics).work(),
        build_finding_history(stores, services),
        *build_scanning(settings, stores, services, metrics.scanners.ended).works(),
        build_attesting(settings, stores, services, metrics.attesting.counted).work(),
        *build_scheduled_backups(settings, stores).works(),
        forgetting(stores.queue.history, JOB_KINDS.values(), clock, keep=settings.jobs.keep),
    )


def scheduling(stores: Stores, works: Sequence[Work]) -> Schedules:
    """When these run by themselves."""
    documents, changes = stores.identity.documents, stores.settings_changes
    return Schedules(works, stores.queue.timetable, documents, changes, SystemClock(), random.random)


def job_worker(
    stores: Stores, works: Sequence[Work], schedules: Schedules, metrics: Metrics, read_only: ReadOnlyMode
) -> JobWorker:
    """What does these in one process."""
    if active() is not None:
        from orlop.bootstrap.server.tracing import traced_works

        works = traced_works(works)
    return JobWorker(
        works,
        stores.queue.claims,
        stores.queue_changes,
        Together((schedules, build_backup_times(stores))),
        SystemClock(),
        random.random,
        RandomIds().new(),
        ended=metrics.job_ended,
        pause=read_only.pause,
        is_refused=read_only.is_refused,
    )
