"""Builds what promotes images."""

from collections.abc import Sequence
from typing import NamedTuple

from orlop.bootstrap.clocks import RandomIds, SystemClock
from orlop.bootstrap.server.gates import build_verdicts
from orlop.bootstrap.server.services import Services
from orlop.bootstrap.server.webhooks import news_of
from orlop.bootstrap.stores.opening import Stores
from orlop.domain.access.subjects import SYSTEM
from orlop.domain.job_kinds import PROMOTIONS
from orlop.domain.queue import Order
from orlop.ports.by import By
from orlop.services.following import known
from orlop.services.jobs.lasting_work import LastingWork
from orlop.services.management.operations import Gate
from orlop.services.promotion.approving import Approvers
from orlop.services.promotion.asking import Asking, PromotionTrials
from orlop.services.promotion.automatic import AutomaticPromotions
from orlop.services.promotion.boards import PromotionBoards
from orlop.services.promotion.bundles import BundleDesk
from orlop.services.promotion.carrying import CarryingOut
from orlop.services.promotion.deciding import Deciding
from orlop.services.promotion.desk import PromotionDesk
from orlop.services.promotion.paths import Ways
from orlop.services.promotion.work import DuePromotions


class PromotionParts(NamedTuple):
    """What promotions are carried out by."""

    ways: Ways
    approvers: Approvers
    carrying: CarryingOut
    deciding: Deciding


def _parts(stores: Stores, services: Services) -> PromotionParts:
    rows = stores.catalog.promotions
    verdicts = build_verdicts(stores, services)
    carrying = CarryingOut(
        services.access,
        services.in_force,
        stores.catalog.manifests,
        services.terms,
        verdicts,
        rows,
        counted=services.promoted,
    )
    ways, approvers = Ways(services.in_force), Approvers(services.access)
    return PromotionParts(
        ways, approvers, carrying, Deciding(rows, ways, approvers, carrying, stores.catalog.manifests)
    )


def build_bundle_desk(stores: Stores, services: Services, gate: Gate) -> BundleDesk:
    """What is asked for bundles."""
    return BundleDesk(gate, services.manifests, stores.catalog.bundles)


def build_promotion_desk(stores: Stores, services: Services, gate: Gate, bundles: BundleDesk) -> PromotionDesk:
    """What is asked for promotions, of one process."""
    parts, rows = _parts(stores, services), stores.catalog.promotions
    manifests, terms = services.manifests, services.terms
    asking = Asking(gate, manifests, parts.ways, bundles)
    return PromotionDesk(
        gate, manifests, asking, terms, rows, parts.approvers, parts.carrying, parts.deciding, services.promoted
    )


def build_promotion_trials(stores: Stores, services: Services, gate: Gate, bundles: BundleDesk) -> PromotionTrials:
    """What would become of promotions."""
    parts = _parts(stores, services)
    return PromotionTrials(gate, Asking(gate, services.manifests, parts.ways, bundles), parts.ways, parts.carrying)


def build_promotion_boards(stores: Stores, services: Services, gate: Gate) -> PromotionBoards:
    """What is where."""
    return PromotionBoards(gate, services.in_force, stores.catalog.boards)


def build_automatic(stores: Stores, services: Services) -> AutomaticPromotions:
    """What has images enter stages by themselves."""
    clock, catalog = SystemClock(), stores.catalog

    async def news() -> None:
        order = Order(kind=PROMOTIONS.kind, once=PROMOTIONS.kind)
        await stores.queue.jobs.ask(order, By(SYSTEM.name, clock.now()))

    accounts, rows = stores.identity.accounts, catalog.promotions
    return AutomaticPromotions(
        catalog.outbox, stores.cursors, services.in_force, accounts, rows, clock, news, services.promoted
    )


def following_promotions(stores: Stores, services: Services) -> Sequence[LastingWork]:
    """The follower of it."""
    step, owner = build_automatic(stores, services).step, RandomIds().new()
    return (LastingWork(known.PROMOTIONS.job, step, stores.leases, SystemClock(), owner, news=news_of(stores)),)


def build_due_promotions(stores: Stores, services: Services) -> DuePromotions:
    """The job."""
    return DuePromotions(stores.catalog.promotions, _parts(stores, services).deciding, SystemClock(), services.promoted)
