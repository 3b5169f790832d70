"""Numbered steps from an empty database to today's schema. Each runs once, in its own transaction, in order."""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import apsw

from orlop.adapters.sql.sqlite import connect, translated

#: `ORLP`: says of a SQLite file that it is a catalog of ours.
APPLICATION_ID = 0x4F524C50


class CatalogRefused(Exception):
    """The database is not one to work on; the message says why, in one sentence."""


class Migration(NamedTuple):
    """One step."""

    number: int
    name: str
    sql: str


def known(engine: str = "sqlite") -> tuple[Migration, ...]:
    """Every migration that this release knows, in order."""
    found = []
    for entry in files(__package__).joinpath(engine).iterdir():
        if entry.name.endswith(".sql"):
            number, _, name = entry.name.removesuffix(".sql").partition("_")
            found.append(Migration(int(number), name, entry.read_text("utf-8")))
    return tuple(sorted(found))


def migrate(path: Path, now: Callable[[], int]) -> tuple[Migration, ...]:
    """Bring a catalog file to this release's schema, making it if it is new; the steps that were taken.

    Raises CatalogRefused when the file is somebody else's or of a newer release, Unavailable when it cannot be
    read or written. Several processes may call this at once: the first does the work.
    """
    connection = connect(path)
    try:
        with translated():
            connection.execute("BEGIN IMMEDIATE")
            taken = _steps(connection, path, now)
            connection.execute("COMMIT")
            return taken
    finally:
        connection.close()


def _steps(connection: apsw.Connection, path: Path, now: Callable[[], int]) -> tuple[Migration, ...]:
    application = connection.execute("PRAGMA application_id").fetchall()[0][0]
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()[0][0]
    if application != APPLICATION_ID:
        if tables or application:
            raise CatalogRefused(f"{path} is a SQLite database of another program")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}").fetchall()
        connection.execute(
            "CREATE TABLE migrations "
            "(number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT"
        )
    rows = connection.execute("SELECT number FROM migrations").fetchall()
    applied = {int(str(number)) for (number,) in rows}
    steps = known()
    newest = steps[-1].number
    if applied and max(applied) > newest:
        raise CatalogRefused(
            f"{path} was written by a newer release (schema {max(applied)}, this release knows {newest}); "
            "start that release, or restore a backup"
        )
    taken = tuple(step for step in steps if step.number not in applied)
    for step in taken:
        connection.execute(step.sql).fetchall()
        connection.execute("INSERT INTO migrations VALUES (?, ?, ?)", (step.number, step.name, now())).fetchall()
    return taken
