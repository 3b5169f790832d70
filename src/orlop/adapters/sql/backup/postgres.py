"""A catalog in PostgreSQL: every table as COPY writes it, from one snapshot; and an empty database that is filled."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from orlop.adapters.sql.backup.cutting import lines
from orlop.adapters.sql.backup.engines import refuse_other
from orlop.adapters.sql.backup.sqlite import DROPPED
from orlop.adapters.sql.postgres.connections import Connection, Database
from orlop.adapters.sql.postgres.failures import FAILED, reason, trouble
from orlop.adapters.sql.statements import POSTGRES
from orlop.domain.backup import Backup, BackupFile, ListedBlob
from orlop.domain.digest import Digest
from orlop.domain.errors import ContentCorrupt, Denied, Unavailable
from orlop.ports.backup import FilePieces, Snapshot, SnapshotFile

#: What a table may take, in seconds.
_WHOLE_TABLE = 24 * 3600.0
_PAGE = 500
_END = ".copy"
#: What a database says of itself, and a restored one says anew.
_OWN = frozenset({"orlop_migrations", "orlop_store", "outbox_epoch"})

_TABLES = """
SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum)
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
GROUP BY c.relname ORDER BY c.relname"""

#: The columns of primary keys, for an order that does not change from one backup to the next.
_KEYS = """
SELECT c.relname, array_agg(a.attname::text ORDER BY array_position(i.indkey::int2[], a.attnum))
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey::int2[])
WHERE i.indisprimary AND c.relnamespace = current_schema()::regnamespace
GROUP BY c.relname"""

_REFERENCES = """
SELECT c.relname, r.relname FROM pg_constraint f
JOIN pg_class c ON c.oid = f.conrelid JOIN pg_class r ON r.oid = f.confrelid
WHERE f.contype = 'f' AND f.connamespace = current_schema()::regnamespace AND f.conrelid <> f.confrelid"""

_SCHEMA = "SELECT max(number) FROM orlop_migrations"
_HEAD = "SELECT coalesce(max(id), 0) FROM outbox"
_MARKED = "SELECT obj_description('orlop_store'::regclass, 'pg_class')"
_IS_CATALOG = "SELECT to_regclass('orlop_migrations') IS NOT NULL AND to_regclass('outbox') IS NOT NULL"


class PostgresSnapshots:
    """See ports.backup.Snapshots. `scratch` makes a folder for what COPY writes."""

    def __init__(self, database: Database, scratch: Callable[[], Path]) -> None:
        self._database = database
        self._scratch = scratch

    @asynccontextmanager
    async def take(self) -> AsyncIterator[Snapshot]:
        """See Snapshots."""
        folder = self._scratch()
        try:
            with _told("reading the catalog"):
                connection = await self._database.connect()
                try:
                    async with connection.transaction(isolation="repeatable_read", readonly=True):
                        snapshot = await _copied(connection, folder)
                finally:
                    connection.terminate()
            yield snapshot
        finally:
            for left in folder.glob(f"*{_END}"):
                left.unlink()


async def _copied(connection: Connection, folder: Path) -> "PostgresSnapshot":
    schema = await connection.fetchval(_SCHEMA)
    keys = {str(table): tuple(key) for table, key in await connection.fetch(_KEYS)}
    files = []
    for table, columns in await connection.fetch(_TABLES):
        if table in _OWN:
            continue
        order = f" ORDER BY {_names(keys[table])}" if table in keys else ""
        await connection.copy_from_query(
            f"SELECT {_names(columns)} FROM {_name(table)}{order}",  # noqa: S608 - names of the schema, quoted
            output=str(folder / f"{table}{_END}"),
            format="text",
            timeout=_WHOLE_TABLE,
        )
        files.append(SnapshotFile(f"{table}{_END}", tuple(columns)))
    await connection.copy_from_query(
        "SELECT digest, size, copy FROM blobs WHERE state <> 'tombstoned' ORDER BY digest",
        output=str(folder / f".blobs{_END}"),
        format="text",
        timeout=_WHOLE_TABLE,
    )
    return PostgresSnapshot(folder, int(schema), tuple(files))


class PostgresSnapshot:
    """See ports.backup.Snapshot."""

    engine = "postgres"

    def __init__(self, folder: Path, schema: int, files: Sequence[SnapshotFile]) -> None:
        self._folder = folder
        self.schema = schema
        self.files = files

    async def chunks(self, file: str) -> AsyncGenerator[bytes, None]:
        """See Snapshot."""
        try:
            async with aclosing(lines(self._folder / file)) as cut:
                async for content in cut:
                    yield content
        except OSError as cause:
            raise Unavailable(f"the copy of the catalog cannot be read: {cause.strerror}") from cause

    async def blobs(self) -> AsyncGenerator[Sequence[ListedBlob], None]:
        """See Snapshot."""
        page: list[ListedBlob] = []
        async with aclosing(lines(self._folder / f".blobs{_END}")) as cut:
            async for content in cut:
                for line in content.decode("ascii").splitlines():
                    digest, size, copy = line.split("\t")
                    page.append(ListedBlob(Digest.stored(digest), int(size), copy))
                    if len(page) == _PAGE:
                        yield page
                        page = []
        if page:
            yield page


class PostgresFill:
    """See ports.backup.CatalogFill: into a database that holds a catalog of the backup's schema, and nothing in it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def check(self, backup: Backup) -> None:
        """Raises Denied where the database cannot be filled from a backup, before anything is done for that: the backup
        is of another engine, or there is something in it. One without any catalog is empty. Raises Unavailable."""
        refuse_other(backup, "postgres")
        with _told("reading the database"):
            connection = await self._database.connect()
            try:
                if await connection.fetchval(_IS_CATALOG):
                    await _is_filled(connection, backup)
            finally:
                connection.terminate()

    async def conclude(self) -> None:
        """See CatalogFill."""
        with _told("writing the catalog"):
            connection = await self._database.connect()
            try:
                await connection.execute("COMMENT ON TABLE orlop_store IS NULL")
            finally:
                connection.terminate()

    async def fill(self, backup: Backup, pieces: FilePieces) -> None:
        """See CatalogFill. One transaction."""
        refuse_other(backup, "postgres")
        with _told("writing the catalog"):
            connection = await self._database.connect()
            try:
                async with connection.transaction():
                    await _fill(connection, backup, pieces)
            finally:
                connection.terminate()


async def _fill(connection: Connection, backup: Backup, pieces: FilePieces) -> None:
    here = {str(table): tuple(columns) for table, columns in await connection.fetch(_TABLES) if table not in _OWN}
    tables = {file.name.removesuffix(_END): file for file in backup.files if file.name.endswith(_END)}
    _check(here, tables, await connection.fetchval(_SCHEMA), backup.schema)
    await connection.fetch(f"LOCK TABLE {', '.join(map(_name, sorted(here)))} IN ACCESS EXCLUSIVE MODE")
    if await _is_filled(connection, backup):
        return
    await connection.execute(f"TRUNCATE {', '.join(map(_name, sorted(here)))}", timeout=_WHOLE_TABLE)
    for table in _ordered(here, await connection.fetch(_REFERENCES)):
        async with aclosing(pieces(tables[table].name)) as content:
            await connection.copy_to_table(
                table, source=content, columns=list(tables[table].columns), format="text", timeout=_WHOLE_TABLE
            )
    await connection.fetch(POSTGRES["ids_settle"])
    for statement in DROPPED:
        await connection.execute(POSTGRES[statement], timeout=_WHOLE_TABLE)
    said = _mark(backup, await connection.fetchval(_HEAD))
    await connection.execute(f"COMMENT ON TABLE orlop_store IS '{said}'")


async def _is_filled(connection: Connection, backup: Backup) -> bool:
    """Whether it holds what a run that was killed has restored of this backup, and nothing since; False: it is empty.
    Raises Denied where it holds anything else."""
    head = await connection.fetchval(_HEAD)
    if not head:
        return False
    if await connection.fetchval(_MARKED) != _mark(backup, head):
        raise Denied("the database is not empty; a backup overwrites nothing")
    return True


def _mark(backup: Backup, head: int) -> str:
    """What the database says of a restore that is not done yet, up to which event."""
    return f"restored from the backup of {backup.at:d} up to event {head:d}"


def _check(here: Mapping[str, tuple[str, ...]], tables: Mapping[str, BackupFile], schema: int, wanted: int) -> None:
    if schema != wanted:
        raise Denied(
            f"the database has schema {schema}, and the backup {wanted}; restore it with the release that made it, and"
            " take the migrations then"
        )
    if set(here) != set(tables) or any(set(here[table]) != set(file.columns) for table, file in tables.items()):
        raise ContentCorrupt("the tables in the backup are not those of its schema")


def _ordered(tables: Mapping[str, Any], references: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Each table after those that it refers to."""
    left = {table: {to for of, to in references if of == table} for table in sorted(tables)}
    while left:
        ready = [table for table, needed in left.items() if not needed & left.keys()]
        if not ready:
            raise AssertionError(f"tables refer to each other: {sorted(left)}")
        for table in ready:
            del left[table]
            yield table


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _names(names: Sequence[str]) -> str:
    return ", ".join(map(_name, names))


@contextmanager
def _told(doing: str) -> Iterator[None]:
    """Turn what the driver and the disk raise into Unavailable, cause kept."""
    try:
        yield
    except FAILED as cause:
        if trouble(cause) is None:
            raise
        raise Unavailable(f"{doing} failed: {reason(cause)}; try again") from cause
    except OSError as cause:
        raise Unavailable(f"{doing} failed: {(cause.strerror or 'no reason').lower()}") from cause
