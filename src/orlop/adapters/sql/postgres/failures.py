"""What can go wrong with a database, sorted by what helps: running again, waiting, or nothing."""

import ssl
from enum import Enum

import asyncpg

from orlop.adapters.sql.engine import Raced


class Trouble(Enum):
    """What to make of an error."""

    RACED = "another transaction got in between; the whole script is to be run again"
    AWAY = "the database does not answer, or not as one that may be written to; another connection may help"
    REFUSED = "the database answers, and the answer will be the same next time"


class Crowded(TimeoutError):
    """Every connection of the pool was in use for longer than anybody waits."""


class Outgrown(Exception):
    """A newer release brought the database to schema `found`; this one knows `known`, and may not go on beside it."""

    def __init__(self, found: int, known: int) -> None:
        super().__init__(found, known)
        self.found = found
        self.known = known


#: Everything that may come out of a call to the database; what is none of our troubles among it is a defect.
FAILED = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
    Raced,
    Outgrown,
)

_RACED = (
    Raced,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    # Every script looks before it inserts, so a row that is there all the same came in between.
    asyncpg.UniqueViolationError,
    asyncpg.ForeignKeyViolationError,
    # A migration changed the tables under the prepared statements.
    asyncpg.InvalidCachedStatementError,
    asyncpg.OutdatedSchemaCacheError,
)

_REFUSED = (
    Outgrown,
    asyncpg.InvalidAuthorizationSpecificationError,  # with a wrong password below it
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.DiskFullError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.ClientConfigurationError,
    ssl.SSLError,
)

_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutting down, starting up
    asyncpg.InsufficientResourcesError,  # too many connections
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TargetServerAttributeNotMatched,
    asyncpg.InterfaceError,  # the connection is closed
    asyncpg.InternalClientError,  # it was cut while it was given out, and the library lost track of it
    OSError,
    TimeoutError,
)


def trouble(error: BaseException) -> Trouble | None:
    """What an error means; None: a defect."""
    if isinstance(error, asyncpg.DataError):
        return None
    for kinds, meaning in ((_RACED, Trouble.RACED), (_REFUSED, Trouble.REFUSED), (_AWAY, Trouble.AWAY)):
        if isinstance(error, kinds):
            return meaning
    return None


def refuses_writes(error: BaseException) -> bool:
    """Whether the database answers, and takes no writes whatever they are."""
    return isinstance(error, asyncpg.ReadOnlySQLTransactionError | asyncpg.DiskFullError)


def is_shut(error: BaseException) -> bool:
    """Whether it is the gate of a catalog that moves."""
    return isinstance(error, asyncpg.CheckViolationError) and error.constraint_name == "gate"


def have_settings_moved(error: BaseException) -> bool:
    """Whether it is what orlop_settings_hold raises."""
    return isinstance(error, asyncpg.PostgresError) and error.sqlstate == "OR001"


def reason(error: BaseException) -> str:
    """Half a sentence for people; never anything of the URL but what the server says of it itself."""
    match error:
        case Crowded():
            return "all connections to the database are in use"
        case Outgrown():
            return (
                f"a newer release migrated the database (to schema {error.found}, this release knows {error.known});"
                " start that release here, too"
            )
        case asyncpg.ReadOnlySQLTransactionError():
            return "the database is read-only"
        case asyncpg.LockNotAvailableError():
            return "another program keeps the catalog locked"
        case asyncpg.DiskFullError():
            return "the disk that holds the database is full"
        case asyncpg.QueryCanceledError():
            return "the database gave up a statement that took too long"
        case asyncpg.ClientConfigurationError():
            return f"the URL of the database cannot be used ({error})"
        case ssl.SSLError():
            return f"the connection to the database cannot be secured ({error.reason or error})"
        case asyncpg.InvalidPasswordError():
            return f"the database refuses Orlop ({error}); give it in PGPASSWORD, ~/.pgpass, or the URL"
        case asyncpg.PostgresError() if trouble(error) is Trouble.REFUSED:
            return f"the database refuses Orlop ({error})"
        case asyncpg.PostgresError() if trouble(error) is Trouble.RACED:
            return "too many others change the same part of the catalog"
    return "the database cannot be reached"
