"""Takes the steps on a SQLite file: all that are due in one transaction, whenever a server starts."""

from collections.abc import Callable
from pathlib import Path

import apsw

from orlop.adapters.sql.migrations import Applied, CatalogRefused, Migration, due
from orlop.adapters.sql.sqlite import connect, translated

#: `ORLP`: says of a SQLite file that it is a catalog of ours.
APPLICATION_ID = 0x4F524C50


def migrate(path: Path, now: Callable[[], int]) -> tuple[Migration, ...]:
    """Bring a catalog file to this release's schema, making it if it is new; the steps that were taken.

    Raises CatalogRefused when the file is somebody else's or of a newer release, Unavailable when it cannot be
    read or written. Several processes may call this at once: the first does the work.
    """
    connection = connect(path)
    try:
        with translated():
            connection.execute("BEGIN IMMEDIATE")
            taken = take_steps(connection, path, now)
            connection.execute("COMMIT")
            return taken
    finally:
        connection.close()


def taken(path: Path) -> tuple[Applied, ...]:
    """The steps that a catalog file has taken; none when there is no file. Raises as `migrate` does."""
    if not path.exists():
        return ()
    connection = connect(path, readonly=True)
    try:
        with translated():
            return _applied(connection, path)
    finally:
        connection.close()


def _applied(connection: apsw.Connection, path: Path) -> tuple[Applied, ...]:
    application = connection.execute("PRAGMA application_id").fetchall()[0][0]
    if application == APPLICATION_ID:
        rows = connection.execute("SELECT number, name, applied_at FROM migrations ORDER BY number").fetchall()
        # One process tree has the file, so there is never another release beside this one.
        return tuple(Applied(int(str(number)), str(name), int(str(at)), False) for number, name, at in rows)
    if application or connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()[0][0]:
        raise CatalogRefused(f"{path} is a SQLite database of another program")
    return ()


def take_steps(connection: apsw.Connection, path: Path, now: Callable[[], int]) -> tuple[Migration, ...]:
    """Take the steps that are due, within the transaction of a connection. Raises CatalogRefused as `migrate` does."""
    applied = _applied(connection, path)
    if not applied:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}").fetchall()
        connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations "
            "(number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT"
        )
    steps = due("sqlite", applied, str(path))
    for step in steps:
        connection.execute(step.sql).fetchall()
        connection.execute("INSERT INTO migrations VALUES (?, ?, ?)", (step.number, step.name, now())).fetchall()
    return steps
