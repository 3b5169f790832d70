"""The stores as `orlop store check` tries them."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from orlop.bootstrap.commands.migrations import require_schema
from orlop.bootstrap.stores.blobs import open_blobs
from orlop.bootstrap.stores.catalogs import Siblings, open_sql
from orlop.bootstrap.stores.places import blob_store_name, catalog_name
from orlop.config import Settings
from orlop.domain.errors import Unavailable
from orlop.ports.stores import StoreRefused
from orlop.services.stores.trial import Trial, Trying


@asynccontextmanager
async def open_for_trial(settings: Settings) -> AsyncIterator[Trial]:
    """Open the stores, which a server must have prepared before. Raises Unavailable."""
    await require_schema(settings)
    from orlop.adapters.sql.moving import SqlMoves

    try:
        blobs, close_blobs = open_blobs(settings)
    except StoreRefused as refusal:
        raise Unavailable(str(refusal)) from refusal
    opened = open_sql(settings, Siblings([0], 0), blob_store_name(settings))
    try:
        yield Trial(
            Trying(catalog_name(settings), opened.catalog.vitals.check),
            Trying(blob_store_name(settings), blobs.inventory.check),
            opened.catalog.vitals.totals,
            SqlMoves(opened.engine).current,
            time.monotonic,
        )
    finally:
        await opened.engine.close()
        await close_blobs()
