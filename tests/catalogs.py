"""Empty catalogs in SQLite, migrated once for a process of pytest, then copied; and the rows of those in memory."""

import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from orlop.adapters.sql.catalog import DATABASE, OpenCatalog
from orlop.adapters.sql.engine import Session
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.memory import MemoryEngine
from orlop.adapters.sql.migrations.sqlite import migrate
from orlop.adapters.sql.records import made_repository
from orlop.adapters.sql.sqlite import driven
from orlop.domain.names import RepositoryName
from orlop.ports.catalog import By

#: When they took their steps, whatever the test's clock says.
AT = 4_000_000_000_000_000


def empty_catalog(folder: Path) -> None:
    """Put one into a folder that has none."""
    with (folder / DATABASE).open("xb") as file:
        file.write(_content())


@cache
def _content() -> bytes:
    with tempfile.TemporaryDirectory(prefix="orlop-catalog-") as folder:
        file = Path(folder) / DATABASE
        migrate(file, lambda: AT)
        return file.read_bytes()


def rows(opened: OpenCatalog, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Run a statement on a catalog in memory, past every rule and every key: to look at its rows, or to damage them."""
    assert isinstance(opened.engine, MemoryEngine)
    connection = opened.engine.connection
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        return connection.execute(statement, parameters).fetchall()
    finally:
        connection.execute("PRAGMA foreign_keys = ON")


def make_repositories(opened: OpenCatalog, names: Iterable[str], by: By) -> None:
    """Make repositories with nothing in them on a catalog in memory."""

    async def steps(tx: Session, ledger: Ledger) -> None:
        for name in names:
            await made_repository(tx, RepositoryName(name), by, ledger)

    driven(opened.engine.write(recorded(by, steps)))


def snapshot(opened: OpenCatalog) -> bytes:
    """All that a catalog in memory holds."""
    assert isinstance(opened.engine, MemoryEngine)
    return opened.engine.connection.serialize("main")


def restore(opened: OpenCatalog, kept: bytes) -> None:
    """Have a catalog in memory hold that again, as a new version of who may do what."""
    assert isinstance(opened.engine, MemoryEngine)
    [(version,)] = rows(opened, "SELECT version FROM access_state")
    opened.engine.connection.deserialize("main", kept)
    rows(opened, "UPDATE access_state SET version = ?", version + 1)
    driven(opened.engine.write(_nothing, access=True))


async def _nothing(_: Session) -> None:
    """A script that changes nothing, so that all counts move."""
