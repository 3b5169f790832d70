"""The SQLite engine: one connection that reads, inline on the event loop, and one thread that writes.

The thread gathers the scripts that wait into one transaction, so that many pushes share one fsync; processes take
turns by a lock file, which wakes the next one at once where SQLite alone would have it poll.
"""

import asyncio
import fcntl
import os
import queue
import threading
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar, cast

import apsw

from orlop.adapters.sql.changes import SharedChanges
from orlop.adapters.sql.engine import Row, Script, Session, held
from orlop.adapters.sql.statements import SQLITE
from orlop.domain.errors import StoreClosed, StoreRefusesWrites, Unavailable
from orlop.domain.moving import admits

T = TypeVar("T")

#: How many waiting scripts one transaction takes at most, and for how many seconds it takes more of them: those that
#: came first do not wait for others that are long, nor do other processes.
BATCH = 64
LONG = 0.02

#: How long a writer waits for another program that has the database locked, in milliseconds.
BUSY_MS = 5_000

#: How many statements a connection keeps prepared, as many as apsw can. It keeps those that ran last and counts each
#: run, so that with 128 a push of five blobs, which takes more runs than that, lost every statement that it runs once.
PREPARED = 512

#: Pages that the writer keeps, and the reader, whose look-ups are spread over the whole catalog, in KiB.
WRITER_CACHE_KIB = 8 * 1024
READER_CACHE_KIB = 32 * 1024

_FAILURES: dict[type[apsw.Error], str] = {
    apsw.BusyError: "another program keeps the catalog locked",
    apsw.LockedError: "another program keeps the catalog locked",
    apsw.FullError: "the disk that holds the catalog is full",
    apsw.ReadOnlyError: "the catalog is read-only",
    apsw.CantOpenError: "the catalog cannot be opened",
    apsw.IOError: "reading or writing the catalog failed",
    apsw.CorruptError: "the catalog is damaged; restore it from a backup",
    apsw.NotADBError: "the catalog is not a database",
}


_FAILED = tuple(_FAILURES)


def _unavailable(cause: apsw.Error) -> Unavailable:
    kind = StoreRefusesWrites if isinstance(cause, apsw.FullError | apsw.ReadOnlyError) else Unavailable
    return kind(f"{_FAILURES[type(cause)]}; nothing was changed")


@contextmanager
def translated() -> Iterator[None]:
    """Turn what SQLite raises into Unavailable, cause kept; a mistake in a statement stays what it is."""
    try:
        yield
    except _FAILED as cause:
        raise _unavailable(cause) from cause


def connect(path: Path, *, readonly: bool = False) -> apsw.Connection:
    """Open a catalog file with the settings that every connection to it has."""
    flags = apsw.SQLITE_OPEN_READWRITE | (0 if readonly else apsw.SQLITE_OPEN_CREATE)
    with translated():
        connection = apsw.Connection(str(path), flags=flags, statementcachesize=PREPARED)
        connection.set_busy_timeout(BUSY_MS)
        # Without this SQLite plans a statement anew for every set of parameters, as soon as a table in it has a partial
        # index that a parameter might satisfy: four fifths of the time of a point read.
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        cache = READER_CACHE_KIB if readonly else WRITER_CACHE_KIB
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", f"cache_size = -{cache}"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        if readonly:
            connection.execute("PRAGMA query_only = ON").fetchall()
    return connection


class SqliteSession:
    """Named statements on one connection. Never suspends: what it awaits is already there."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._cursor = connection.cursor()

    async def one(self, statement: str, *parameters: Any) -> Row | None:
        rows = self._rows(statement, parameters)
        return rows[0] if rows else None

    async def all(self, statement: str, *parameters: Any) -> list[Row]:
        return self._rows(statement, parameters)

    async def run(self, statement: str, *parameters: Any) -> None:
        self._rows(statement, parameters)

    async def many(self, statement: str, rows: Sequence[Row]) -> None:
        try:
            self._cursor.executemany(SQLITE[statement], rows)
        except _FAILED as cause:
            raise _unavailable(cause) from cause

    def _rows(self, statement: str, parameters: Row) -> list[Row]:
        try:
            return cast("list[Row]", self._cursor.execute(SQLITE[statement], parameters).fetchall())
        except _FAILED as cause:
            raise _unavailable(cause) from cause


class _Work:
    """A script that waits for its turn, and who waits for it."""

    __slots__ = ("access", "changes", "durable", "error", "future", "loop", "outcome", "queue", "script", "settings")

    def __init__(
        self, script: Script[Any], *, durable: bool, changes: bool | str, access: bool, settings: bool, queue: bool
    ) -> None:
        self.script = script
        self.durable = durable
        self.changes = changes
        self.access = access
        self.settings = settings
        self.queue = queue
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()
        self.outcome: Any = None
        self.error: Exception | None = None

    def settle(self) -> None:
        """Tell how it ended; the one who asked may be gone by now."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.outcome)
        else:
            self.future.set_exception(self.error)


class SqliteEngine:
    """See engine.Engine. `changes` counts what changes content, `access` what changes who may do what,
    `settings` what changes settings, `jobs` what changes the queue.

    `ticket` is what its writers show at the gate of a catalog that moves (domain.moving).
    """

    def __init__(
        self,
        database: Path,
        lock: Path,
        changes: SharedChanges,
        access: SharedChanges,
        settings: SharedChanges,
        jobs: SharedChanges,
        ticket: str = "",
    ) -> None:
        self._changes = changes
        self._access = access
        self._settings = settings
        self._jobs = jobs
        self._ticket = ticket
        self._read_connection = connect(database, readonly=True)
        self._write_connection = connect(database)  # here, so that what fails fails at the start; used by the thread
        self._writer = self._write_connection.cursor()
        self.reader: Session = SqliteSession(self._read_connection)
        self._lock = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        self._turn = _Turn(self._lock)
        self._queue: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="catalog-writer", daemon=True)
        self._thread.start()

    async def write(
        self,
        script: Script[T],
        *,
        durable: bool = True,
        changes: bool | str = True,
        access: bool = False,
        settings: bool = False,
        holding: int = 0,
        queue: bool = False,
    ) -> T:
        work = _Work(
            held(script, holding), durable=durable, changes=changes, access=access, settings=settings, queue=queue
        )
        self._queue.put(work)
        return cast("T", await work.future)

    async def check(self) -> None:
        async def touch(session: Session) -> None:
            await session.run("totals_add", 0, 0, 0, 0, 0)

        await self.reader.one("totals")
        await self.write(touch, changes=False)

    async def close(self) -> None:
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        self._read_connection.close()
        os.close(self._lock)
        self._changes.close()
        self._access.close()
        self._settings.close()
        self._jobs.close()

    def _serve(self) -> None:
        connection = self._write_connection
        session = SqliteSession(connection)
        synchronous = _Synchronous(connection)
        with suppress(Unavailable), self._turn:
            self._changes.settle()
            self._access.settle()
            self._settings.settle()
            self._jobs.settle()
        batch: list[_Work] = []
        is_open = True
        while batch or is_open:
            if not batch:
                first = self._queue.get()
                if first is None:
                    break
                batch.append(first)
            later: list[_Work] = []
            try:
                with self._turn:
                    is_open = is_open and self._gather(batch)
                    counted = self._counted(batch)
                    try:
                        synchronous.set(full=any(work.durable for work in batch))
                        later = self._transact(connection, session, batch)
                    except _FAILED as cause:
                        raise _unavailable(cause) from cause
                    finally:
                        for counts, places in counted:
                            counts.end(places)
            except (Unavailable, apsw.Error) as failure:
                for work in batch:
                    work.error = work.error or failure
            _report(batch[: len(batch) - len(later)])
            batch = later
        connection.close()

    def _gather(self, batch: list[_Work]) -> bool:
        """Add those who have come by now, many of them while others had their turn; whether more may come."""
        while len(batch) < BATCH and not self._queue.empty():
            work = self._queue.get_nowait()
            if work is None:
                return False
            batch.append(work)
        return True

    def _counted(self, batch: list[_Work]) -> list[tuple[SharedChanges, set[int]]]:
        """Let the counts say what the batch changes, while it does: which of them are to be told when it has."""
        changed = {work.changes for work in batch if work.changes}
        counted = []
        if changed:
            places = {self._changes.place(name) for name in changed if isinstance(name, str)}
            counted.append((self._changes, {0} if True in changed else places))
        if any(work.access for work in batch):
            counted.append((self._access, {0}))
        if any(work.settings for work in batch):
            counted.append((self._settings, {0}))
        if any(work.queue for work in batch):
            counted.append((self._jobs, {0}))
        for counts, places in counted:
            counts.begin(places)
        return counted

    def _transact(self, connection: apsw.Connection, session: Session, batch: list[_Work]) -> list[_Work]:
        """One transaction for the whole batch; those that are left for the next. A script that raises takes back its
        own part alone.

        Raises Unavailable when all of it came to nothing.
        """
        run = self._writer.execute
        later: list[_Work] = []
        try:
            run("BEGIN IMMEDIATE")
            gate = cast("list[tuple[str | None]]", run(SQLITE["gate"]).fetchall())[0][0]
            if not admits(gate, self._ticket):
                raise StoreClosed
            if len(batch) == 1:  # the transaction is its own: two statements fewer, of five for most
                _drive(batch[0], session)
                if batch[0].error is not None:
                    return later
            else:
                began = monotonic()
                for number, work in enumerate(batch):
                    if number and monotonic() - began > LONG:
                        later = batch[number:]
                        break
                    _drive_apart(work, connection, session)
            run("COMMIT")
        finally:
            if connection.in_transaction:
                run("ROLLBACK")
        return later


class _Turn:
    """While it is held, this is the one process that writes. Raises Unavailable: the thread must survive whatever the
    system refuses."""

    def __init__(self, lock: int) -> None:
        self._lock = lock

    def __enter__(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        except OSError as cause:
            raise Unavailable("the lock of the catalog cannot be taken; nothing was changed") from cause

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # then it is released with the process, and this one still has its turns
            fcntl.flock(self._lock, fcntl.LOCK_UN)


class _Synchronous:
    """Whether commits wait for the disk: SQLite lets that change between transactions."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._full = True

    def set(self, *, full: bool) -> None:
        if full is not self._full:
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if full else 'NORMAL'}").fetchall()
            self._full = full


def _report(batch: list[_Work]) -> None:
    """Tell the event loop how all of a batch ended, at once: each time that it is woken costs a system call. The loop
    may be gone by now."""
    loops = {work.loop for work in batch}
    for loop in loops:
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle, [work for work in batch if work.loop is loop])


def _settle(batch: list[_Work]) -> None:
    for work in batch:
        work.settle()


def _drive_apart(work: _Work, connection: apsw.Connection, session: Session) -> None:
    """Run a script so that it can be taken back alone. Raises its error when the whole transaction went with it."""
    connection.execute("SAVEPOINT script")
    _drive(work, session)
    if work.error is not None:
        if not connection.in_transaction:  # a full disk ends the whole transaction
            raise work.error
        connection.execute("ROLLBACK TO script")
    connection.execute("RELEASE script")


def _drive(work: _Work, session: Session) -> None:
    try:
        work.outcome = driven(work.script(session))
    except Exception as error:  # noqa: BLE001 - handed to the one who asked for the script, whatever it is
        work.error = error


def driven(script: Awaitable[T]) -> T:
    """Run a script to its end; what it returned. Its session never suspends, so one step is all it takes."""
    try:
        next(script.__await__())
    except StopIteration as end:
        return cast("T", end.value)
    raise RuntimeError("a transaction script waited for something other than its session")
