"""Opens the stores that the settings name: a catalog and a blob store, whatever they are made of."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from orlop.bootstrap.stores.blobs import BlobRoles, open_blobs, prepare_blobs, prepare_cache, traced_roles
from orlop.bootstrap.stores.catalogs import Siblings, occupy_catalog, open_catalog, prepare_catalog
from orlop.bootstrap.stores.moved import refuse_elsewhere
from orlop.config import Settings
from orlop.domain.errors import Unavailable
from orlop.ports.audit import AuditStore
from orlop.ports.catalog import Catalog
from orlop.ports.events import Changes
from orlop.ports.following import Cursors
from orlop.ports.identity import Identity
from orlop.ports.jobs import Leases
from orlop.ports.queue import Queue
from orlop.ports.stores import StoreRefused
from orlop.ports.webhooks import WebhookStore


class StartRefused(Exception):
    """Orlop does not start on these stores; the message is one sentence that says why."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Stores(msgspec.Struct, frozen=True):
    """Everything that keeps something. `start` what follows changes made elsewhere; `close` when done."""

    catalog: Catalog
    leases: Leases
    changes: Changes
    identity: Identity
    access_changes: Changes
    settings_changes: Changes
    blobs: BlobRoles
    start: Callable[[], None]
    close: Callable[[], Awaitable[None]]
    audit: AuditStore
    cursors: Cursors
    webhooks: WebhookStore
    queue: Queue
    queue_changes: Changes


def is_to_be_made(settings: Settings) -> bool:
    """Whether the settings name a data folder that is none yet."""
    if settings.in_memory or not settings.needs_folder:
        return False
    from orlop.adapters.filesystem.layout import MARKER

    return not (settings.data / MARKER).exists()


def prepare(settings: Settings, *, occupying: bool = False) -> str:
    """Make the stores ready for any number of processes: the folder and its marker, the catalog and its schema, the
    marker of the bucket. The catalog's id. `occupying`: no other server may use the catalog, as long as this process or
    one that it forks runs, where a catalog has one server.

    Raises StartRefused when they are not ours to use, or have moved. Does nothing to stores in memory, which have none.
    """
    if settings.in_memory:
        return ""
    try:
        if occupying:
            occupy_catalog(settings)
        catalog = prepare_catalog(settings)
        asyncio.run(refuse_elsewhere(settings))
        prepare_blobs(settings, catalog)
        prepare_cache(settings)
        return catalog
    except StoreRefused as refusal:
        raise StartRefused(str(refusal)) from refusal
    except Unavailable as failure:
        raise StartRefused(failure.message) from failure


def open_stores(settings: Settings, siblings: Siblings | None = None) -> Stores:
    """Open prepared stores in this process, within a running event loop. Raises StartRefused.

    `siblings`: where a worker tells the others of its server what it changed; None for a process on its own.
    """
    try:
        blobs, close_blobs = open_blobs(settings)
        blobs = traced_roles(blobs)
        opened = open_catalog(settings, siblings or Siblings([0], 0))
    except Unavailable as failure:
        raise StartRefused(failure.message) from failure

    async def close() -> None:
        await opened.engine.close()
        await close_blobs()

    return Stores(
        opened.catalog,
        opened.leases,
        opened.changes,
        opened.identity,
        opened.access_changes,
        opened.settings_changes,
        blobs,
        opened.start,
        close,
        opened.audit,
        opened.cursors,
        opened.webhooks,
        opened.queue,
        opened.queue_changes,
    )
