"""Whether a server may go on with a database that a newer release migrates while it runs.

Every new connection asks. A migration ends the connections of all servers before it is committed, and keeps new ones
waiting until it is: so no statement of a server that may not go on reaches the changed tables. Behind a pooler that
lends connections by the transaction, only connections to the pooler ask.
"""

from functools import cache

import asyncpg

from orlop.adapters.sql.migrations import is_outgrown, known
from orlop.adapters.sql.postgres.failures import Outgrown

#: The name under which servers connect.
APPLICATION = "orlop"

#: `ORLQ`: the advisory lock that new connections share for a moment, and that a migration takes alone at its end.
_DOOR = 0x4F524C51

_ENTER = "SELECT pg_advisory_xact_lock_shared($1)"
_BEYOND = "SELECT number, expands FROM orlop_migrations WHERE number > $1"

_SHUT = "SELECT pg_advisory_xact_lock($1)"
#: Only those of the same role: of others it would need to be a superuser.
_END = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND application_name = $1 AND pid <> pg_backend_pid()"""


async def admit(connection: asyncpg.Connection) -> None:
    """Called with each new connection of a server. Raises Outgrown when this release may not go on."""
    await connection.fetchval(_ENTER, _DOOR)
    beyond = dict(await connection.fetch(_BEYOND, _newest()))
    if is_outgrown(beyond):
        raise Outgrown(max(beyond), _newest())


async def end_others(connection: asyncpg.Connection) -> None:
    """Called at the end of a transaction that changes the schema: servers connect anew once it is committed."""
    await connection.fetchval(_SHUT, _DOOR)
    await connection.fetch(_END, APPLICATION)


@cache
def _newest() -> int:
    return known("postgres")[-1].number
