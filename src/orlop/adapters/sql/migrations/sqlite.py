"""Takes the steps on a SQLite file: all that are due in one transaction, whenever a server starts."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import apsw

from orlop.adapters.sql.migrations import Applied, CatalogRefused, Migration, Rehearsed, due, unheard
from orlop.adapters.sql.sqlite import connect, translated
from orlop.domain.errors import Unavailable

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


def rehearse(path: Path, now: Callable[[], int], clock: Callable[[], float]) -> Rehearsed:
    """Take the steps that are due in a copy beside the file, which goes again; servers go on meanwhile. `clock` in
    seconds. Raises CatalogRefused, Unavailable: what a step would fail with, too."""
    wanted = due("sqlite", taken(path), str(path))
    if not wanted:
        return Rehearsed()
    size, free = path.stat().st_size, shutil.disk_usage(path.parent).free
    if free < 2 * size:
        raise Unavailable(f"a copy of {path} takes {size} bytes and its steps may take as many, and {free} are free")
    with tempfile.TemporaryDirectory(prefix="rehearsal-", dir=path.parent) as folder:
        began, copy = clock(), Path(folder, path.name)
        _copy(path, copy)
        copied, ends = clock(), list[float]()
        connection = connect(copy)
        try:
            with translated():
                connection.execute("BEGIN IMMEDIATE")
                steps = take_steps(connection, copy, now, lambda _: ends.append(clock()))
                connection.execute("COMMIT")
                _check(connection, path)
        except (apsw.SQLError, apsw.ConstraintError) as cause:
            step = wanted[len(ends)]
            raise Unavailable(
                f"the migration {step.number:04} {step.name} fails here: {cause}; the catalog is as it was"
            ) from cause
        finally:
            connection.close()
        starts = (copied, *ends)
        took = tuple((step, end - start) for step, start, end in zip(steps, starts, ends, strict=False))
        return Rehearsed(took, copy.stat().st_size, copied - began)


def _copy(path: Path, copy: Path) -> None:
    """The file as it is at one moment, whoever writes meanwhile."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        with translated():
            connection.execute("VACUUM INTO ?", (str(copy),)).fetchall()
    finally:
        connection.close()


def _check(connection: apsw.Connection, path: Path) -> None:
    """Raises Unavailable where what the steps made does not hold together."""
    dangling = connection.execute("PRAGMA foreign_key_check").fetchall()
    found = connection.execute("PRAGMA quick_check(1)").fetchall()[0][0]
    if dangling or found != "ok":
        said = f"rows of {dangling[0][0]} point at nothing" if dangling else str(found)
        raise Unavailable(f"the steps were taken in a copy of {path}, and what they made is not sound: {said}")


def take_steps(
    connection: apsw.Connection, path: Path, now: Callable[[], int], told: Callable[[Migration], None] = unheard
) -> tuple[Migration, ...]:
    """Take the steps that are due, within the transaction of a connection; `told` of each. Raises CatalogRefused as
    `migrate` does."""
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
        told(step)
    return steps
