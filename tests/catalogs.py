"""Empty catalogs in SQLite: migrated once for a process of pytest, then copied."""

import tempfile
from functools import cache
from pathlib import Path

from orlop.adapters.sql.catalog import DATABASE
from orlop.adapters.sql.migrations.sqlite import migrate

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
