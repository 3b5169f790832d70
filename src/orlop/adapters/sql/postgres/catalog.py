"""Opens the catalog in a PostgreSQL database."""

from collections.abc import MutableSequence

from orlop.adapters.sql.audit import audit_on
from orlop.adapters.sql.catalog import OpenCatalog, on
from orlop.adapters.sql.jobs import SqlLeases
from orlop.adapters.sql.postgres.changes import PostgresChanges
from orlop.adapters.sql.postgres.connections import Database, Pool
from orlop.adapters.sql.postgres.engine import PostgresEngine
from orlop.adapters.sql.postgres.patience import Surroundings


def open_postgres(
    database: Database,
    replica: Database | None,
    made: MutableSequence[int],
    own: int,
    surroundings: Surroundings,
    ticket: str = "",
) -> OpenCatalog:
    """Open the migrated catalog in a database; lists are read from `replica`, if there is one.

    `made` are counts that the workers of this replica of Orlop share, `own` is the place of this one's, `ticket`
    what it shows at the gate of a catalog that moves (domain.moving). Nothing is connected before it is needed.
    """
    changes = PostgresChanges(made, own, surroundings.monotonic)
    engine = PostgresEngine(Pool(database), Pool(replica) if replica else None, changes, surroundings, ticket)
    return OpenCatalog(on(engine, engine.lists), SqlLeases(engine), changes, engine, engine.start, audit_on(engine))
