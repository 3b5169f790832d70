"""Builds what takes in advisories, matches them with packages, and tells what is wrong with images."""

from orlop.adapters.advisories.reader import ProcessAdvisoryReader
from orlop.bootstrap.clocks import SystemClock
from orlop.bootstrap.server.services import Services
from orlop.bootstrap.stores.opening import Stores
from orlop.domain.access.subjects import SYSTEM
from orlop.ports.by import By
from orlop.services.advisories.accepting import Acceptance
from orlop.services.advisories.affected import Affected
from orlop.services.advisories.counts import ImageCounts
from orlop.services.advisories.desk import AdvisoryDesk
from orlop.services.advisories.history import recording
from orlop.services.advisories.importing import Importing
from orlop.services.advisories.matching import Matching
from orlop.services.jobs.work import Work
from orlop.services.management.operations import Gate
from orlop.services.settings.in_force import SettingsInForce
from orlop.services.vex.editors import Editors
from orlop.services.vex.sayings import VexOfImages


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


def build_acceptance(stores: Stores, in_force: SettingsInForce) -> Acceptance:
    """What tells what clears findings."""
    identity, clock = stores.identity, SystemClock()
    vex = VexOfImages(stores.catalog.vex, in_force, Editors(identity.accounts, identity.facts, clock))
    return Acceptance(in_force, vex, stores.catalog.advisories, clock)


def build_finding_history(stores: Stores, services: Services) -> Work:
    """The job that writes down what is known of every repository."""
    catalog, acceptance = stores.catalog, build_acceptance(stores, services.in_force)
    store = catalog.advisories
    counts = ImageCounts(services.access, store.counting, store.vulnerable, acceptance)
    return recording(catalog.search, store.counting, counts, store.days, SystemClock())
