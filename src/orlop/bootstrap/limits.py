"""The limits of one process, counted in memory that the workers of a server share."""

from collections.abc import Callable

from orlop.bootstrap.clocks import SystemClock
from orlop.config import Settings
from orlop.domain.access import Caller
from orlop.domain.limits import Allowance
from orlop.faces.distribution.turnstile import Turnstile
from orlop.server.worker import WorkerContext
from orlop.services.counters import Counters
from orlop.services.failures import FailedSignIn, OnFailure
from orlop.services.limits import FairShare, Kind, Limits, Rates
from orlop.services.notices import Notices


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


def build_turnstile(settings: Settings, notices: Notices, limits: Limits) -> Turnstile:
    """What requests of the distribution API are counted by. With `open` whoever uploads may have all places."""
    share = FairShare(settings.uploads.concurrent, shared=not settings.open)
    return Turnstile(notices, limits if limits.are_on else None, share)


def admitting(limits: Limits) -> Callable[[Caller], Allowance | None]:
    """What counts requests that are neither pulls nor uploads."""

    def admit(caller: Caller) -> Allowance | None:
        return limits.admit(caller, Kind.REQUEST) if limits.are_on else None

    return admit


def telling_failures(notices: Notices, limits: Limits) -> OnFailure:
    """Who keeps count of sign-ins that failed: the audit log, and the limits of an address."""

    def told(failed: FailedSignIn) -> None:
        notices.sign_in_failed(failed.name, failed.reason, address=failed.address, request=failed.request)
        limits.login_failed(failed.address)

    return told
