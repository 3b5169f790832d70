"""The stores as `orlop gc` and `orlop verify` use them, beside a server or without one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from orlop.adapters.filesystem import FolderRefused
from orlop.bootstrap.commands.migrations import require_schema
from orlop.bootstrap.server.services import (
    build_collection,
    build_marking,
    build_preview,
    build_scrub,
    build_sweep,
    build_verification,
)
from orlop.bootstrap.stores.opening import StartRefused, open_stores
from orlop.config import Settings
from orlop.domain.errors import Unavailable
from orlop.faces.cli.stores.maintenance_work import Maintained


@asynccontextmanager
async def open_for_maintenance(settings: Settings) -> AsyncIterator[Maintained]:
    """Open the stores, which a server of this release must have prepared before. Raises Unavailable."""
    await require_schema(settings)
    try:
        stores = open_stores(settings)
    except (StartRefused, FolderRefused) as refusal:
        raise Unavailable(str(refusal)) from refusal
    try:
        yield Maintained(
            build_collection(settings, stores),
            build_sweep(stores),
            build_verification(stores),
            stores.catalog.vitals.totals,
            build_scrub(settings, stores),
            stores.catalog.quarantine,
            build_preview(stores),
            build_marking(stores),
            stores.catalog.orphans,
        )
    finally:
        await stores.close()
