"""The settings of the catalog, and what of them fits together."""

from typing import Annotated

import msgspec

from orlop.config.errors import ConfigurationInvalid
from orlop.config.meaning import Meaning, ValueKind

#: How the URL of a PostgreSQL database begins.
POSTGRES = ("postgresql://", "postgres://")


class CatalogStore(msgspec.Struct, frozen=True):
    """Where manifests, tags and links are kept."""

    url: Annotated[
        str,
        Meaning(
            "`sqlite`: a database in the data folder; `postgresql://user@host/database`: one that several machines"
            " share (see [postgresql.md](postgresql.md)); `memory`: gone at the end, for trials.",
            ValueKind.URL,
            choices=("sqlite", "memory"),
            schemes=POSTGRES,
        ),
    ] = "sqlite"
    replica_url: Annotated[
        str | None,
        Meaning(
            "A copy of the PostgreSQL database to read lists from, which may lag behind.",
            ValueKind.URL,
            default="none",
            schemes=POSTGRES,
        ),
    ] = None
    connections: Annotated[
        int,
        Meaning(
            "Connections to PostgreSQL that a worker holds at most; one more watches for changes.",
            ValueKind.COUNT,
            minimum=1,
        ),
    ] = 8
    pooler: Annotated[
        bool,
        Meaning(
            "The URL leads to a pooler that lends connections for one transaction, such as PgBouncer: prepare nothing.",
            ValueKind.SWITCH,
        ),
    ] = False

    @property
    def is_postgres(self) -> bool:
        """Whether it is in a PostgreSQL database."""
        return self.url.startswith(POSTGRES)


def check_catalog(catalog: CatalogStore) -> None:
    """Raises ConfigurationInvalid for settings that contradict each other."""
    if catalog.replica_url is not None and not catalog.is_postgres:
        raise ConfigurationInvalid("catalog.replica_url needs a catalog.url in PostgreSQL, of which it is a copy")
