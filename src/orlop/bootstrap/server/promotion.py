"""Builds what promotes images."""

from orlop.bootstrap.server.gates import build_verdicts
from orlop.bootstrap.server.services import Services
from orlop.bootstrap.stores.opening import Stores
from orlop.services.management.operations import Gate
from orlop.services.promotion.approving import Approvers
from orlop.services.promotion.carrying import CarryingOut
from orlop.services.promotion.desk import PromotionDesk
from orlop.services.promotion.paths import Ways


def build_promotion_desk(stores: Stores, services: Services, gate: Gate) -> PromotionDesk:
    """Of one process."""
    rows, terms = stores.catalog.promotions, services.terms
    verdicts = build_verdicts(stores, services)
    carrying = CarryingOut(services.access, services.in_force, stores.catalog.manifests, terms, verdicts, rows)
    ways, approvers = Ways(gate, services.in_force), Approvers(services.access)
    return PromotionDesk(gate, services.manifests, terms, rows, ways, approvers, carrying)
