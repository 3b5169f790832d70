"""The limits of one process, counted in memory that the workers of a server share, and by replicas together."""

from collections.abc import Callable

from orlop.bootstrap.clocks import SystemClock
from orlop.config import Settings
from orlop.domain.access import Caller
from orlop.domain.limits import Allowance
from orlop.domain.open_files import Descriptors
from orlop.faces.distribution.turnstile import Turnstile
from orlop.ports.rates import RateLedger
from orlop.server.worker import WorkerContext
from orlop.services.audit.notices import Notices
from orlop.services.identity.failures import FailedSignIn, OnFailure
from orlop.services.jobs.worker import Chore
from orlop.services.limits.counters import Counters
from orlop.services.limits.rates import FairShare, RateKind, RateLimits, Rates
from orlop.services.limits.shared import TOLD_EVERY, SharedLimits

#: Large lists that a process sends at once: while their clients read, each is in memory (domain.pages.PAGE_BYTES).
_LARGE_LISTS = 32


def build_counters(context: WorkerContext, store: str) -> Counters:
    """Where the workers of a server count, by names that mean the same to all replicas on a catalog: `store` is its
    id, which nobody is told."""
    return Counters(context.counters, store.encode())


def build_limits(settings: Settings, counters: Counters) -> RateLimits:
    """What the settings say; nothing is limited where everybody may do everything."""
    rates = settings.rate_limits
    if settings.open:
        return RateLimits(counters, SystemClock().now, Rates(), Rates(), 0)
    return RateLimits(
        counters,
        SystemClock().now,
        Rates(rates.requests, rates.pulls, rates.uploads),
        Rates(rates.address_requests, rates.address_pulls, rates.address_uploads),
        rates.failed_logins,
    )


def sharing(settings: Settings, context: WorkerContext, counters: Counters, ledger: RateLedger) -> tuple[Chore, ...]:
    """The chore of counting together with other replicas: one worker does it for all of its server, which share their
    counters. There are no other replicas where the catalog is in a folder or in memory, and nothing is counted with
    `open`."""
    if settings.open or not settings.catalog.is_postgres or context.number != 1:
        return ()
    shared = SharedLimits(counters, ledger, SystemClock())
    return (Chore("rates", TOLD_EVERY, shared.tell),)


def build_turnstile(settings: Settings, descriptors: Descriptors, notices: Notices, limits: RateLimits) -> Turnstile:
    """What requests of the distribution API are counted by. With `open` whoever comes may have all places."""
    is_shared = not settings.open
    uploads = FairShare(min(settings.uploads.concurrent, descriptors.uploads), shared=is_shared)
    lists = FairShare(_LARGE_LISTS, shared=is_shared, what="large list")
    readers = FairShare(descriptors.readers, shared=is_shared, anonymous=descriptors.readers // 2, what="blob")
    waiting = FairShare(descriptors.waiting, shared=is_shared, what="blob")
    return Turnstile(notices, limits if limits.are_on else None, uploads, lists, readers, waiting)


def admitting(limits: RateLimits) -> Callable[[Caller], Allowance | None]:
    """What counts requests that are neither pulls nor uploads."""

    def admit(caller: Caller) -> Allowance | None:
        return limits.admit(caller, RateKind.REQUEST) if limits.are_on else None

    return admit


def telling_failures(notices: Notices, limits: RateLimits) -> OnFailure:
    """Who keeps count of sign-ins that failed: the audit log, and the limits of an address."""

    def told(failed: FailedSignIn) -> None:
        notices.sign_in_failed(failed.name, failed.reason, address=failed.address, request=failed.request)
        limits.login_failed(failed.address, failed.proof)

    return told
