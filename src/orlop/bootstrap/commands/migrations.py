"""The schema of the catalog as `orlop migrate` looks at it and changes it, in SQLite and in PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex
from time import monotonic

from orlop.bootstrap.clocks import SystemClock
from orlop.bootstrap.stores.catalogs import database, sqlite_file
from orlop.bootstrap.stores.places import catalog_name
from orlop.config import Settings
from orlop.domain.errors import Unavailable
from orlop.faces.cli.stores.migrate_work import MigrationStep, Rehearsal, RehearsedStep, Schema

# The adapters are imported where one is needed: `orlop --help` needs none of them.


class Migrations:
    """See faces.cli.stores.migrate_work.Migrating."""

    async def schema(self, settings: Settings) -> Schema:
        """How far it is."""
        from orlop.adapters.sql.migrations import due

        with _told():
            if settings.catalog.is_postgres:
                from orlop.adapters.sql.migrations import postgres

                applied = await postgres.taken(database(settings))
                steps = due("postgres", applied, "the database")
            else:
                from orlop.adapters.sql.migrations import sqlite

                file = sqlite_file(settings)
                applied = sqlite.taken(file)
                steps = due("sqlite", applied, str(file))
        return Schema(
            tuple(MigrationStep(step.number, step.name, step.expands, step.at) for step in applied),
            tuple(MigrationStep(step.number, step.name, step.expands, None) for step in steps),
        )

    async def rehearse(self, settings: Settings) -> Rehearsal:
        """Take every step that is due in a copy."""
        with _told():
            if settings.catalog.is_postgres:
                from orlop.adapters.sql.migrations import rehearsal

                name = f"orlop_rehearsal_{token_hex(6)}"
                done = await rehearsal.rehearse(database(settings), SystemClock().now, monotonic, name)
            else:
                from orlop.adapters.sql.migrations import sqlite

                done = sqlite.rehearse(sqlite_file(settings), SystemClock().now, monotonic)
        steps = (RehearsedStep(step.number, step.name, step.expands, took) for step, took in done.steps)
        return Rehearsal(tuple(steps), done.size, done.seconds)

    async def migrate(self, settings: Settings) -> tuple[MigrationStep, ...]:
        """Take every step that is due."""
        with _told():
            if settings.catalog.is_postgres:
                from orlop.adapters.sql.migrations import postgres

                steps = await postgres.migrate(database(settings), SystemClock().now)
            else:
                from orlop.adapters.sql.migrations import sqlite

                steps = sqlite.migrate(sqlite_file(settings), SystemClock().now)
        return tuple(MigrationStep(step.number, step.name, step.expands, None) for step in steps)


async def require_schema(settings: Settings) -> None:
    """Raises Unavailable unless the catalog is there and has taken every step of this release: no command works on
    tables that are not there yet.
    """
    if settings.in_memory:
        return
    schema = await Migrations().schema(settings)
    if not schema.applied:
        raise Unavailable(f"{catalog_name(settings)} holds no catalog yet; the first `orlop serve` makes one")
    if schema.due:
        raise Unavailable(
            f"{catalog_name(settings)} was written by an older release, and waits for {len(schema.due)} migrations;"
            " look at them with `orlop migrate plan`, and take them with `orlop migrate run`, with the same --data or"
            " --config; of a backup take them in a copy"
        )


@contextmanager
def _told() -> Iterator[None]:
    """Turn refusals into Unavailable, which the command line tells in its sentence."""
    from orlop.adapters.filesystem import FolderRefused
    from orlop.adapters.sql.migrations import CatalogRefused

    try:
        yield
    except (FolderRefused, CatalogRefused) as refusal:
        raise Unavailable(str(refusal)) from refusal
