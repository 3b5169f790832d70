"""Every SQL statement, by name; they live in the `.sql` files of this folder, under `-- name: …` lines.

Those of `of_each_table` are templates: each table gets a statement from each (see `tables`), unless one has that name
already. So are those of `of_counts_of_holders`, for two tables.

Both engines run the same text (see `dialect`). Where one needs its own, the folder with its name has a statement of
the same name that replaces the shared one.
"""

from importlib.resources import files
from importlib.resources.abc import Traversable

from orlop.adapters.sql import dialect
from orlop.adapters.sql.tables import of_counts_of_holders, of_each_table


def _read(folder: Traversable) -> dict[str, str]:
    statements: dict[str, str] = {}
    for source in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if not source.name.endswith(".sql"):
            continue
        for block in source.read_text("utf-8").split("-- name: ")[1:]:
            name, _, text = block.partition("\n")
            if name.strip() in statements:
                raise ValueError(f"two statements are named {name.strip()}")
            statements[name.strip()] = text.strip().rstrip(";")
    return statements


_SHARED = (
    of_each_table(_read(files(__package__) / "of_each_table"))
    | of_counts_of_holders(_read(files(__package__) / "of_counts_of_holders"))
    | _read(files(__package__))
)
_OWN = _read(files(__package__) / "postgres")

#: Name to text. Parameters are numbered, `?1` and on.
SQLITE = {name: dialect.for_sqlite(text) for name, text in _SHARED.items()}

#: Name to text. Parameters are numbered, `$1` and on.
POSTGRES = {name: dialect.for_postgres(text) for name, text in {**_SHARED, **_OWN}.items()}
