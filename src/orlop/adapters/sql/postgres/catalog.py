"""Opens the catalog in a PostgreSQL database."""

from collections.abc import MutableSequence

from orlop.adapters.sql.catalog import OpenCatalog, on
from orlop.adapters.sql.postgres.changes import ContentChanges, PostgresChanges
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
    *,
    access_made: MutableSequence[int] | None = None,
    settings_made: MutableSequence[int] | None = None,
    known_made: MutableSequence[int] | None = None,
) -> OpenCatalog:
    """Open the migrated catalog in a database; lists are read from `replica`, if there is one.

    `made` are counts that the workers of this replica of Orlop share, of changes of content, `access_made` those of
    changes of who may do what, `settings_made` of settings, and `known_made` of what is known of images (None: there is
    but this worker); `own` is the place of this one's, `ticket` what it shows at the gate of a catalog that moves
    (domain.moving). Nothing is connected before it is needed.
    """
    known = PostgresChanges(known_made or [0] * len(made), own, surroundings.monotonic)
    changes = ContentChanges(made, own, surroundings.monotonic, known)
    access = PostgresChanges(access_made or [0] * len(made), own, surroundings.monotonic)
    settings = PostgresChanges(settings_made or [0] * len(made), own, surroundings.monotonic)
    queue = PostgresChanges([0], 0, surroundings.monotonic)  # others of this replica see it as those elsewhere do
    pools = Pool(database), Pool(replica) if replica else None
    engine = PostgresEngine(*pools, changes, known, access, settings, queue, surroundings, ticket)
    return on(engine, engine.lists, changes, access, settings, queue, engine.start)
