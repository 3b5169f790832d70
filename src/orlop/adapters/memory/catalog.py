"""Opens a catalog in memory: one state, every role on it."""

from typing import NamedTuple

from orlop.adapters.memory.audit import AuditState, audit_in
from orlop.adapters.memory.browse import MemoryBrowse, MemoryOutbox, MemoryPullTimes, MemoryVitals
from orlop.adapters.memory.identity import on
from orlop.adapters.memory.inspection import MemoryInspection
from orlop.adapters.memory.leases import MemoryLeases
from orlop.adapters.memory.links import MemoryBlobLinks, MemoryCollection
from orlop.adapters.memory.manifests import MemoryManifests
from orlop.adapters.memory.state import State
from orlop.adapters.memory.uploads import MemoryUploads
from orlop.ports.audit import AuditStore
from orlop.ports.catalog import Catalog
from orlop.ports.events import Changes
from orlop.ports.identity import Identity
from orlop.ports.jobs import Leases


class MemoryCatalog(NamedTuple):
    """A catalog in use. `state` and `audit_state` are for tests that damage it."""

    catalog: Catalog
    leases: Leases
    changes: Changes
    identity: Identity
    access_changes: Changes
    state: State
    audit: AuditStore
    audit_state: AuditState


def open_memory() -> MemoryCatalog:
    """A new and empty catalog."""
    state = State()
    browse = MemoryBrowse(state)
    uploads = MemoryUploads(state)
    catalog = Catalog(
        manifests=MemoryManifests(state),
        browse=browse,
        history=browse,
        links=MemoryBlobLinks(state),
        uploads=uploads,
        expiry=uploads,
        collection=MemoryCollection(state),
        outbox=MemoryOutbox(state),
        pulls=MemoryPullTimes(state),
        vitals=MemoryVitals(state),
        inspection=MemoryInspection(state),
    )
    leases, log = MemoryLeases(), AuditState()
    return MemoryCatalog(
        catalog, leases, state.changes, on(state), state.identity.changes, state, audit_in(state, leases, log), log
    )
