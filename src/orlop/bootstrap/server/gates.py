"""Builds what holds pulls back at gates."""

from collections.abc import Callable
from typing import NamedTuple

from orlop.bootstrap.clocks import SystemClock
from orlop.bootstrap.server.advisories import build_acceptance, build_matching
from orlop.bootstrap.server.inside import build_documents, build_reading
from orlop.bootstrap.server.services import Services
from orlop.bootstrap.server.trust import build_trust, fresh_referrers
from orlop.bootstrap.stores.opening import Stores
from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName
from orlop.ports.catalog import StoredManifest
from orlop.services.advisories.counts import ImageCounts
from orlop.services.gates.desk import GateDesk
from orlop.services.gates.facts import GateFacts
from orlop.services.gates.pulls import GatedPulls
from orlop.services.gates.said import SaidOfImages
from orlop.services.gates.verdicts import GateVerdicts
from orlop.services.gates.wanted import WantedImages
from orlop.services.management.operations import Gate


class Gates(NamedTuple):
    """Of one process."""

    verdicts: GateVerdicts
    pulls: GatedPulls
    wanted: WantedImages


def build_verdicts(stores: Stores, services: Services) -> GateVerdicts:
    """What tells what gates say."""
    catalog, in_force = stores.catalog, services.in_force
    store = catalog.gates.advisories
    acceptance = build_acceptance(stores, in_force, store)
    facts = GateFacts(
        catalog.gates.rows,
        catalog.insides.images,
        store.vulnerable,
        ImageCounts(services.access, store.counting, store.vulnerable, acceptance),
        build_matching(stores),
        acceptance,
        in_force,
        SaidOfImages(services.blobs, services.shown.shown),
        services.expressions,
        build_documents(stores, services, fresh_referrers(stores)),
        build_trust(stores, services),
    )
    return GateVerdicts(in_force, facts, catalog.held_pushes, stores.changes, stores.settings_changes, SystemClock())


def build_gates(stores: Stores, services: Services, told: Callable[[str], None]) -> Gates:
    """`told` counts what came of pulls."""
    catalog, clock = stores.catalog, SystemClock()
    verdicts = build_verdicts(stores, services)
    wanted = WantedImages(
        catalog.manifests,
        catalog.insides.images,
        build_reading(stores, services),
        services.shown.shown,
        services.shown.blobs,
        clock,
    )

    async def newest(repository: RepositoryName) -> tuple[str, StoredManifest] | None:
        found = (await catalog.gates.advisories.counting.newest([repository])).get(repository)
        manifest = await catalog.manifests.resolve(repository, Digest.stored(found.digest)) if found else None
        return (found.tag, manifest) if found is not None and manifest is not None else None

    return Gates(verdicts, GatedPulls(verdicts, services.access, clock, wanted.call, newest, told), wanted)


def build_gate_desk(stores: Stores, services: Services, permission: Gate) -> GateDesk:
    """What tells of gates before a client does."""
    catalog = stores.catalog
    return GateDesk(
        permission,
        services.access,
        services.in_force,
        services.manifests,
        catalog.manifests,
        build_verdicts(stores, services),
        catalog.gates.rows,
        services.repositories,
        catalog.search,
    )
