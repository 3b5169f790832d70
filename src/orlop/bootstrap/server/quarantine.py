"""Builds what keeps things in quarantine, and lets them out."""

from collections.abc import Callable, Sequence
from functools import partial

from orlop.bootstrap.clocks import RandomIds, SystemClock
from orlop.bootstrap.server.gates import build_verdicts
from orlop.bootstrap.server.services import Services
from orlop.bootstrap.server.webhooks import news_of
from orlop.bootstrap.stores.opening import Stores
from orlop.domain.access.subjects import SYSTEM
from orlop.domain.durations import SECOND
from orlop.ports.by import By
from orlop.ports.held import HeldPush
from orlop.services.following import known
from orlop.services.jobs.lasting_work import LastingWork
from orlop.services.management.operations import Gate
from orlop.services.quarantine.desk import QuarantineDesk
from orlop.services.quarantine.letting_out import LettingOut
from orlop.services.quarantine.standing import QuarantineStanding
from orlop.services.quarantine.watching import QuarantineWatch


def build_standing(stores: Stores, services: Services) -> QuarantineStanding:
    """What tells what keeps something there."""
    return QuarantineStanding(services.in_force, build_verdicts(stores, services), stores.catalog.manifests)


def build_letting_out(stores: Stores, services: Services) -> LettingOut:
    """What lets things out."""
    return LettingOut(
        stores.catalog.held_pushes,
        build_standing(stores, services),
        services.terms,
        stores.queue.jobs,
        SystemClock(),
        partial(_told, services.decided),
    )


def build_watch(stores: Stores, services: Services) -> QuarantineWatch:
    """What sees that something may come out."""
    catalog, clock = stores.catalog, SystemClock()
    news = build_letting_out(stores, services).call
    return QuarantineWatch(catalog.outbox, stores.cursors, catalog.held_pushes, clock, news)


def following_quarantine(stores: Stores, services: Services) -> Sequence[LastingWork]:
    """The follower of it."""
    step, owner = build_watch(stores, services).step, RandomIds().new()
    return (LastingWork(known.QUARANTINE.job, step, stores.leases, SystemClock(), owner, news=news_of(stores)),)


def build_quarantine_desk(stores: Stores, services: Services, permission: Gate) -> QuarantineDesk:
    """What people decide of it by."""
    return QuarantineDesk(
        permission,
        services.access,
        stores.catalog.held_pushes,
        build_standing(stores, services),
        build_letting_out(stores, services),
    )


def _told(decided: Callable[[str, str, float], None], outcome: str, by: By, held: HeldPush) -> None:
    who = "itself" if by.actor == SYSTEM.name else "person"
    decided(outcome, who, max(0, by.at - held.pushed_at) / SECOND)
