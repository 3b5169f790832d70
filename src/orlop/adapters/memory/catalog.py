"""Opens a catalog in memory: one state, every role on it."""

from typing import NamedTuple

from orlop.adapters.memory.browse import MemoryBrowse, MemoryOutbox, MemoryPullTimes, MemoryVitals
from orlop.adapters.memory.identity import on
from orlop.adapters.memory.inspection import MemoryInspection
from orlop.adapters.memory.leases import MemoryLeases
from orlop.adapters.memory.links import MemoryBlobLinks, MemoryCollection
from orlop.adapters.memory.manifests import MemoryManifests
from orlop.adapters.memory.state import State
from orlop.adapters.memory.uploads import MemoryUploads
from orlop.ports.catalog import Catalog
from orlop.ports.events import Changes
from orlop.ports.identity import Identity
from orlop.ports.jobs import Leases


class MemoryCatalog(NamedTuple):
    """A catalog in use. `state` is for tests that damage it."""

    catalog: Catalog
    leases: Leases
    changes: Changes
    identity: Identity
    access_changes: Changes
    state: State


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
    return MemoryCatalog(catalog, MemoryLeases(), state.changes, on(state), state.identity.changes, state)
