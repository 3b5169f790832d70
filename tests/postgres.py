"""A PostgreSQL server for tests, and databases in it. Started once for a process of pytest, ended when that ends."""

import asyncio
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import asyncpg
import pytest

from orlop.adapters.sql.migrations.postgres import prepare
from orlop.adapters.sql.postgres.connections import Database
from orlop.adapters.sql.postgres.patience import Surroundings
from tests.memory import in_memory
from tests.needs import need
from tests.servers import free_port

PASSWORD = "correct-horse"
SURROUNDINGS = Surroundings(time.monotonic, asyncio.sleep, random.random, lambda: str(uuid.uuid4()))

#: Without waiting for disks, except where a test is about what survives.
_HASTY = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")


class PostgresServer:
    """A server in a folder of its own. It refuses to run as root, so it runs as whom Debian made for it."""

    def __init__(self, folder: Path, *, options: tuple[str, ...] = _HASTY, network: str = "") -> None:
        self.folder = folder
        self._network = network
        self.port = free_port()
        self._programs = need("initdb", "pg_ctl", *(["runuser"] if os.geteuid() == 0 else []))
        self._as = [self._programs["runuser"], "-u", "postgres", "--"] if os.geteuid() == 0 else []
        self._options = (
            f"port={self.port}",
            f"listen_addresses={'*' if network else '127.0.0.1'}",
            f"unix_socket_directories={folder}",
            "max_connections=200",
            "max_prepared_transactions=0",
            *options,
        )
        self._numbers = count(1)
        self._made: set[str] = set()

    def make(self) -> None:
        """Make the cluster, in which everybody needs a password."""
        if self._as:
            shutil.chown(self.folder, "postgres", "postgres")
        password = self.folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        self._run(
            *(self._programs["initdb"], "-D", str(self.folder / "data"), "-U", "orlop", "-A", "scram-sha-256"),
            *("-E", "UTF8", "--locale=C.UTF-8", "--no-sync", f"--pwfile={password}"),
        )
        if self._network:
            with (self.folder / "data" / "pg_hba.conf").open("a") as rules:
                rules.write(f"host all all {self._network} scram-sha-256\n")

    def follow(self, primary: "PostgresServer") -> None:
        """Make this a copy of another server, which goes on copying once it is started."""
        if self._as:
            shutil.chown(self.folder, "postgres", "postgres")
        program = need("pg_basebackup")["pg_basebackup"]
        self._run(
            program, "--no-sync", "-R", "-c", "fast", "-D", str(self.folder / "data"), "-d", primary.url("postgres")
        )

    def start(self) -> None:
        """Start, and wait until it takes connections."""
        given = " ".join(f"-c {option}" for option in self._options)
        self._control("start", "-w", "-t", "60", "-l", str(self.folder / "log"), "-o", given)

    def stop(self, mode: str = "immediate") -> None:
        """Stop: `fast`, or `immediate`, which is what a crash looks like to clients."""
        self._control("stop", "-w", "-t", "60", "-m", mode)

    def kill(self) -> None:
        """End it, if it runs."""
        pid = self.folder / "data" / "postmaster.pid"
        if pid.exists():
            os.kill(int(pid.read_text().split()[0]), signal.SIGQUIT)

    def url(
        self,
        database: str,
        *,
        host: str = "127.0.0.1",
        port: int | None = None,
        user: str = "orlop",
        password: str = PASSWORD,
    ) -> str:
        """Where a database is."""
        return f"postgresql://{user}:{password}@{host}:{port or self.port}/{database}"

    def database(self, template: str = "template0") -> str:
        """The URL of a new database."""
        name = f"test_{next(self._numbers)}"
        # Files are copied: what goes through the log instead is written twice.
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        self._made.add(name)
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database that no test needs any more."""
        name = url.rpartition("/")[2]
        self._made.discard(name)
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def drop_all(self) -> None:
        """Remove all that were made and are there still."""
        for name in sorted(self._made):
            self.drop(name)

    def catalog(self) -> str:
        """The URL of a new database with an empty catalog."""
        if not self.query("SELECT 1 FROM pg_database WHERE datname = 'catalog'"):
            self.execute("CREATE DATABASE catalog")
            asyncio.run(prepare(Database(self.url("catalog")), lambda: 0))
        return self.database("catalog")

    def execute(self, sql: str, database: str = "postgres") -> None:
        """Run statements as the owner of everything."""
        self.query(sql, database, script=True)

    def query(self, sql: str, database: str = "postgres", *, script: bool = False) -> list[asyncpg.Record]:
        """The rows of a statement."""

        async def ask() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(database if "://" in database else self.url(database))
            try:
                return await (connection.execute(sql) if script else connection.fetch(sql))
            finally:
                await connection.close()

        return asyncio.run(ask())

    def own(self, *command: str) -> list[str]:
        """A command as the server's own user runs it."""
        return [*self._as, *command]

    def _control(self, *arguments: str) -> None:
        self._run(self._programs["pg_ctl"], "-D", str(self.folder / "data"), *arguments)

    def _run(self, *command: str) -> None:
        done = subprocess.run(
            self.own(*command),
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
        )
        log = self.folder / "log"
        assert done.returncode == 0, done.stderr + (log.read_text()[-2000:] if log.exists() else "")


@contextmanager
def postgres_copy(primary: PostgresServer) -> Iterator[PostgresServer]:
    """A streaming replica of a server."""
    folder = Path(tempfile.mkdtemp(prefix="orlop-postgres-"))
    server = PostgresServer(folder)
    try:
        folder.chmod(0o755)
        server.follow(primary)
        server.start()
        yield server
        server.stop()
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def postgres_server(*, options: tuple[str, ...] = _HASTY, network: str = "") -> Iterator[PostgresServer]:
    """A server that runs, on loopback and for whoever comes from `network`.

    In a folder that its own user may enter, which pytest's are not; in memory, where it need not wait for a disk.
    """
    folder = Path(tempfile.mkdtemp(prefix="orlop-postgres-", dir=in_memory() if "fsync=off" in options else None))
    try:
        server = PostgresServer(folder, options=options, network=network)
    except BaseException:  # it lacks a program: the test is skipped
        folder.rmdir()
        raise
    try:
        folder.chmod(0o755)
        server.make()
        server.start()
        yield server
        server.stop()
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


#: The servers that all tests of this process share; in practice one.
_SHARED: list[PostgresServer] = []


@pytest.fixture(scope="session", name="postgres")
def shared_postgres() -> Iterator[PostgresServer]:
    """The server that all tests of this process share, each in a database of its own."""
    with postgres_server() as server:
        _SHARED.append(server)
        yield server
        _SHARED.remove(server)


def drop_databases() -> None:
    """Remove what the tests of a module had in the server that all share: hundreds of databases are gigabytes."""
    for server in _SHARED:
        server.drop_all()
