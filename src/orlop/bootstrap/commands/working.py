"""A process that does the jobs of a registry and serves nobody."""

import asyncio
import signal

import structlog

from orlop.adapters.filesystem import FolderRefused
from orlop.bootstrap.clocks import request_ids
from orlop.bootstrap.server.audit import telling
from orlop.bootstrap.server.jobs import job_worker, keeping
from orlop.bootstrap.server.limits import build_limits
from orlop.bootstrap.server.people import build_people
from orlop.bootstrap.server.services import build_services
from orlop.bootstrap.server.upstreams import telling_upstreams
from orlop.bootstrap.stores.opening import StartRefused, open_stores, prepare
from orlop.config import Settings
from orlop.services.jobs.worker import Worker
from orlop.services.limits.counters import Counters, counters_of_one
from orlop.telemetry import logs
from orlop.telemetry.metrics import Metrics
from orlop.telemetry.requests import RequestLog

_log = structlog.get_logger("orlop.jobs")


def work(settings: Settings) -> int:
    """Do jobs until a signal says so; the exit code. Raises StartRefused."""
    logs.configure(settings.log.level, settings.log.format)
    prepare(settings)
    return asyncio.run(_work(settings))


async def _work(settings: Settings) -> int:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for ending in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(ending, stop.set)
    metrics, export = Metrics(), None
    if settings.tracing.endpoint:
        from orlop.bootstrap.server.tracing import begin_tracing

        export = begin_tracing(settings, metrics.spans)
        export.start()
    try:
        stores = open_stores(settings)
    except FolderRefused as refusal:
        raise StartRefused(str(refusal)) from refusal
    services = build_services(settings, stores, stores.blobs.reader, metrics)
    limits = build_limits(settings, Counters(counters_of_one(), b""))
    log = RequestLog(metrics.requests, None, settings.log.format)
    people = build_people(
        settings, stores, services, limits, log, request_ids(), keeping(settings, stores, services, metrics)
    )
    chores = [telling(services.notices), telling_upstreams(services.standings)]
    worker = Worker(job_worker(stores, people.works, people.schedules, metrics, services.read_only), chores)
    stores.start()
    worker.start()
    _log.info("this process does jobs")
    await stop.wait()
    await worker.stop()
    await services.close()
    await people.close()
    await stores.close()
    if export is not None:
        await asyncio.to_thread(export.close)
    return 0
