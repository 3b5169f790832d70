"""The limits of one process, counted in memory that the workers of a server share."""

from orlop.bootstrap.clocks import SystemClock
from orlop.config import Settings
from orlop.server.worker import WorkerContext
from orlop.services.counters import Counters
from orlop.services.limits import Limits, Rates


def build_limits(settings: Settings, context: WorkerContext) -> Limits:
    """What the settings say; nothing is limited where everybody may do everything."""
    rates = settings.rate_limits
    if settings.open:
        return Limits(Counters(context.counters), SystemClock().now, Rates(), Rates(), 0)
    return Limits(
        Counters(context.counters),
        SystemClock().now,
        Rates(rates.requests, rates.pulls, rates.uploads),
        Rates(rates.address_requests, rates.address_pulls, rates.address_uploads),
        rates.failed_logins,
    )
