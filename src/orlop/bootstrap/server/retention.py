"""Builds retention: the jobs that make plans and apply them."""

from orlop.bootstrap.clocks import SystemClock
from orlop.bootstrap.server.services import Services
from orlop.bootstrap.stores.opening import Stores
from orlop.services.jobs.work import Work
from orlop.services.retention.applying import Applier
from orlop.services.retention.planning import Planner
from orlop.services.retention.work import RetentionWork
from orlop.services.settings.in_force import SettingsInForce
from orlop.telemetry.metrics import Metrics


def retaining(stores: Stores, services: Services, metrics: Metrics) -> tuple[Work, Work]:
    """The jobs of retention."""
    catalog, documents, clock = stores.catalog, stores.identity.documents, SystemClock()
    planner = planner_on(stores, SettingsInForce(documents, stores.settings_changes))
    plans, removals = catalog.retention.plans, catalog.retention.removals
    applier = Applier(plans, planner, removals, catalog.history, services.terms, clock)
    return RetentionWork(plans, catalog.retention.in_use, documents, planner, applier, clock, metrics.retained).works()


def planner_on(stores: Stores, in_force: SettingsInForce) -> Planner:
    """Makes plans of what these stores hold."""
    catalog = stores.catalog
    return Planner(catalog.retention, catalog.browse, stores.identity.documents, in_force, SystemClock())
