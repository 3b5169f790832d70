"""Opens the catalog that the settings name: in memory, in SQLite, in PostgreSQL."""

import asyncio
import random
import time
from collections.abc import MutableSequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from orlop.bootstrap.clocks import RandomIds, SystemClock
from orlop.bootstrap.stores.places import blob_store_name
from orlop.config import Settings

if TYPE_CHECKING:
    from orlop.adapters.sql.catalog import OpenCatalog
    from orlop.adapters.sql.postgres.connections import Database

# The adapters are imported where one is opened: each process pays for one engine.


class Siblings(NamedTuple):
    """Counts that the workers of one server share, one for each, and the place of this process among them.

    `counts` of what changes content, `access` of what changes who may do what, `settings` of what changes settings,
    `known` of what changes what is known of images; None: this process is alone.
    """

    counts: MutableSequence[int]
    own: int
    access: MutableSequence[int] | None = None
    settings: MutableSequence[int] | None = None
    known: MutableSequence[int] | None = None


def open_catalog(settings: Settings, siblings: Siblings) -> "OpenCatalog":
    """Open a prepared catalog, to work with the blob store of the same settings. Raises what the adapter raises."""
    if settings.catalog.url == "memory":
        from orlop.adapters.sql.memory import open_memory

        return open_memory()
    return open_sql(settings, siblings, blob_store_name(settings))


def open_sql(settings: Settings, siblings: Siblings, ticket: str) -> "OpenCatalog":
    """Open a prepared catalog in a database, with a ticket for its gate (domain.moving). Raises as `open_catalog`."""
    if settings.catalog.is_postgres:
        from orlop.adapters.sql.postgres.catalog import open_postgres
        from orlop.adapters.sql.postgres.patience import Surroundings

        surroundings = Surroundings(time.monotonic, asyncio.sleep, random.random, RandomIds().new)
        replica = database(settings, settings.catalog.replica_url) if settings.catalog.replica_url else None
        return open_postgres(
            *(database(settings), replica, siblings.counts, siblings.own, surroundings, ticket),
            access_made=siblings.access,
            settings_made=siblings.settings,
            known_made=siblings.known,
        )
    from orlop.adapters.sql.catalog import open_sqlite

    return open_sqlite(sqlite_file(settings).parent, ticket)


def prepare_catalog(settings: Settings) -> str:
    """Make the catalog ready for any number of processes, and the data folder where it is needed; the catalog's id.

    Raises StoreRefused, Unavailable.
    """
    folder = ""
    if settings.needs_folder:
        from orlop.adapters.filesystem import open_data_folder

        folder = open_data_folder(settings.data).store
    if settings.catalog.is_postgres:
        from orlop.adapters.sql.migrations.postgres import prepare

        return asyncio.run(prepare(database(settings), SystemClock().now))
    from orlop.adapters.sql.migrations.sqlite import migrate

    migrate(sqlite_file(settings), SystemClock().now)
    return folder


def occupy_catalog(settings: Settings) -> None:
    """Take the catalog for this server alone, where it cannot have several: in SQLite. Raises StoreRefused."""
    if settings.catalog.url != "sqlite":
        return
    from orlop.adapters.filesystem import open_data_folder
    from orlop.adapters.sql.occupied import occupy

    folder = open_data_folder(settings.data)
    occupy(folder.catalog, f"the data folder {folder.root}", time.sleep)


def database(settings: Settings, url: str | None = None) -> "Database":
    """The PostgreSQL database of the catalog, or the one at `url`."""
    from orlop.adapters.sql.postgres.connections import Database

    return Database(url or settings.catalog.url, settings.catalog.connections, settings.catalog.pooler)


def sqlite_file(settings: Settings) -> Path:
    """The SQLite file of the catalog. Raises FolderRefused when there is no data folder."""
    from orlop.adapters.filesystem import open_data_folder
    from orlop.adapters.sql.catalog import DATABASE

    return Path(open_data_folder(settings.data, create=False).catalog) / DATABASE
