"""Builds what takes in advisories, matches them with packages, and tells what is wrong with images."""

from orlop.adapters.advisories.reader import ProcessAdvisoryReader
from orlop.bootstrap.clocks import SystemClock
from orlop.bootstrap.stores.opening import Stores
from orlop.domain.access.subjects import SYSTEM
from orlop.ports.by import By
from orlop.services.advisories.affected import Affected
from orlop.services.advisories.desk import AdvisoryDesk
from orlop.services.advisories.importing import Importing
from orlop.services.advisories.matching import Matching
from orlop.services.advisories.questions import Vulnerabilities
from orlop.services.inside.questions import ImageInsides
from orlop.services.management.operations import Gate
from orlop.services.settings.in_force import SettingsInForce


def build_matching(stores: Stores) -> Matching:
    """What finds which advisory hits which package."""
    clock, store = SystemClock(), stores.catalog.advisories
    return Matching(
        store.matches, Affected(store.vulnerable, stores.catalog.retention.in_use), lambda: By(SYSTEM.name, clock.now())
    )


def build_advisories(gate: Gate, stores: Stores) -> AdvisoryDesk:
    """What takes in advisories, and lists them."""
    store, reader = stores.catalog.advisories, ProcessAdvisoryReader()
    importing = Importing(store.advisories, store.sources, reader, SystemClock())
    return AdvisoryDesk(gate, store, reader, importing, build_matching(stores), stores.queue.jobs)


def build_vulnerabilities(stores: Stores, insides: ImageInsides, in_force: SettingsInForce) -> Vulnerabilities:
    """What tells what is wrong with images."""
    catalog = stores.catalog
    matching = build_matching(stores)
    return Vulnerabilities(insides, catalog.advisories.vulnerable, matching, in_force, catalog.holdings, SystemClock())
