"""A catalog in SQLite: copied by SQLite's own means while others write, and put into an empty folder."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path

import apsw

from orlop.adapters.sql.backup.cutting import pages
from orlop.adapters.sql.backup.engines import refuse_other
from orlop.adapters.sql.migrations.sqlite import taken
from orlop.adapters.sql.sqlite import connect, translated
from orlop.adapters.sql.statements import SQLITE
from orlop.domain.backup import Backup, ListedBlob
from orlop.domain.digest import Digest
from orlop.domain.errors import ContentCorrupt, Unavailable
from orlop.ports.backup import FilePieces, Snapshot, SnapshotFile

FILE = "catalog.sqlite"

#: Rows that one query takes.
_PAGE = 500

#: What is dropped when a catalog is restored: see docs/backup.md.
DROPPED = (
    "clear_uploads",
    "clear_sessions",
    "clear_sign_in_steps",
    "clear_signing_keys",
    "restored_sign_ons",
    "restored_deliveries",
    "restored_readers",
    "restored_queue",
    "restored_jobs",
    "restored_move",
)


class SqliteSnapshots:
    """See ports.backup.Snapshots. `scratch` makes a folder for the copy."""

    def __init__(self, database: Path, scratch: Callable[[], Path]) -> None:
        self._database = database
        self._scratch = scratch

    @asynccontextmanager
    async def take(self) -> AsyncIterator[Snapshot]:
        """See Snapshots."""
        copy = self._scratch() / FILE
        try:
            await asyncio.to_thread(_copy, self._database, copy)
            yield SqliteSnapshot(copy, max(step.number for step in await asyncio.to_thread(taken, copy)))
        finally:
            for left in copy.parent.glob(f"{FILE}*"):
                left.unlink()


def _copy(source: Path, target: Path) -> None:
    with translated():
        here = apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            there = apsw.Connection(str(target))
            try:
                with there.backup("main", here, "main") as copying:
                    copying.step()
            finally:
                there.close()
        finally:
            here.close()


class SqliteSnapshot:
    """See ports.backup.Snapshot."""

    engine = "sqlite"
    files: Sequence[SnapshotFile] = (SnapshotFile(FILE, ()),)

    def __init__(self, copy: Path, schema: int) -> None:
        self._copy = copy
        self.schema = schema

    async def chunks(self, file: str) -> AsyncGenerator[bytes, None]:
        """See Snapshot."""
        assert file == FILE
        try:
            async with aclosing(pages(self._copy)) as cut:
                async for content in cut:
                    yield content
        except OSError as cause:
            raise Unavailable(f"the copy of the catalog cannot be read: {cause.strerror}") from cause

    async def blobs(self) -> AsyncGenerator[Sequence[ListedBlob], None]:
        """See Snapshot."""
        # The copy is nobody else's: it is read as it is, and gets no files beside it.
        with translated():
            connection = apsw.Connection(f"file:{_quoted(self._copy)}?immutable=1", flags=_IMMUTABLE)
        try:
            last = ""
            while True:
                with translated():
                    rows = connection.execute(SQLITE["backup_blobs"], (last, _PAGE)).fetchall()
                if not rows:
                    return
                yield [ListedBlob(Digest.stored(str(digest)), int(str(size)), str(copy)) for digest, size, copy in rows]
                last = str(rows[-1][0])
        finally:
            connection.close()


_IMMUTABLE = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI


def _quoted(path: Path) -> str:
    return str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


class SqliteFill:
    """See ports.backup.CatalogFill: into the folder of a catalog that has none."""

    def __init__(self, database: Path) -> None:
        self._database = database

    async def conclude(self) -> None:
        """See CatalogFill. The folder has its name then, and is filled by nobody."""

    async def fill(self, backup: Backup, pieces: FilePieces) -> None:
        """See CatalogFill."""
        refuse_other(backup, "sqlite")
        if self._database.exists():
            return  # as an earlier run left it: the folder is made for this backup alone, and gets its name after this
        draft = self._database.with_name(f"{FILE}.restoring")
        _forget(draft)
        try:
            with draft.open("xb") as target:
                async with aclosing(pieces(FILE)) as content:
                    async for piece in content:
                        await asyncio.to_thread(target.write, piece)
            await asyncio.to_thread(_settle, draft)
            draft.rename(self._database)
            _sync(self._database.parent)
        except OSError as cause:
            raise Unavailable(f"writing the catalog failed: {(cause.strerror or 'no reason').lower()}") from cause


def _settle(draft: Path) -> None:
    """Look whether it is whole, drop what must not be done twice, and make it durable."""
    try:
        connection = connect(draft)
        try:
            with translated():
                said = connection.execute("PRAGMA quick_check(1)").fetchall()
                if said != [("ok",)]:
                    raise ContentCorrupt(f"the catalog in the backup is damaged: {said[0][0]}")
                connection.execute("BEGIN IMMEDIATE")
                for statement in DROPPED:
                    connection.execute(SQLITE[statement]).fetchall()
                connection.execute(SQLITE["gate_set"], (None,)).fetchall()
                connection.execute("COMMIT")
                # One file again, which can be renamed.
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            connection.close()
    except apsw.Error as cause:
        raise ContentCorrupt("the catalog in the backup is damaged") from cause
    except Unavailable as failure:
        if isinstance(failure.__cause__, apsw.NotADBError | apsw.CorruptError):
            raise ContentCorrupt("the catalog in the backup is damaged") from failure
        raise
    descriptor = os.open(draft, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _forget(draft: Path) -> None:
    for left in (draft, draft.with_name(f"{draft.name}-wal"), draft.with_name(f"{draft.name}-shm")):
        with suppress(FileNotFoundError):
            left.unlink()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
