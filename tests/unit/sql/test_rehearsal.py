"""Migrations are rehearsed in a copy, from every earlier schema, and one that is killed leaves nothing half done."""

import asyncio
import os
from pathlib import Path
from typing import Any

import apsw
import asyncpg
import pytest

from orlop.adapters.sql import migrations
from orlop.adapters.sql.migrations import postgres as on_postgres
from orlop.adapters.sql.migrations import rehearsal
from orlop.adapters.sql.migrations.sqlite import APPLICATION_ID, migrate, rehearse, take_steps, taken
from orlop.adapters.sql.postgres.connections import Database
from orlop.domain.errors import Unavailable
from tests.contract.scene import START
from tests.postgres import PostgresServer
from tests.unit.sql.test_upgrade import EVENT, ROWS
from tests.volume import volume

#: At how many statements a migration is killed: all of them in the long run.
KILLS = volume(40, 10_000)


def ticking() -> Any:
    """A clock that goes on by a second each time that it is asked."""
    ticks = iter(range(1_000))
    return lambda: float(next(ticks))


def written(file: Path, taken_steps: int) -> None:
    """A catalog with content of the first release in it, which took so many steps since."""
    steps = migrations.known("sqlite")
    old = apsw.Connection(str(file))
    old.execute(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA journal_mode = WAL").fetchall()
    old.execute("CREATE TABLE migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL)")
    for number, step in enumerate(steps[:taken_steps]):
        old.execute(step.sql).fetchall()
        old.execute("INSERT INTO migrations VALUES (?, ?, 0)", (step.number, step.name)).fetchall()
        if not number:
            old.execute(ROWS % "BLOB" + EVENT % 1).fetchall()
    old.close()


def everything(file: Path) -> dict[str, Any]:
    """Every row of every table but when steps and jobs came, and what the tables are."""
    connection = apsw.Connection(str(file))
    try:
        objects = connection.execute("SELECT name, type, sql FROM sqlite_schema ORDER BY name, type").fetchall()
        tables = [str(name) for name, type_, sql in objects if type_ == "table" and "VIRTUAL" not in str(sql)]
        found: dict[str, Any] = {"": objects}
        for name in tables:
            if name not in {"migrations", "queue", "sqlite_stat1"} and not name.startswith("sqlite_"):
                found[name] = sorted(map(repr, connection.execute(f'SELECT * FROM "{name}"').fetchall()))
        return found
    finally:
        connection.close()


def test_from_every_earlier_schema_the_same_comes_out(tmp_path: Path) -> None:
    steps = migrations.known("sqlite")
    written(tmp_path / "whole", 1)
    migrate(tmp_path / "whole", lambda: START)
    wanted = everything(tmp_path / "whole")
    assert any("team/app" in row for row in wanted["repositories"])
    for since in range(2, len(steps)):
        file = tmp_path / f"{since}"
        written(file, since)
        assert [step.number for step in migrate(file, lambda: START)] == [step.number for step in steps[since:]]
        assert everything(file) == wanted, f"from schema {since}"


def test_a_rehearsal_takes_what_is_due_in_a_copy(tmp_path: Path) -> None:
    file, steps = tmp_path / "catalog.sqlite", migrations.known("sqlite")
    written(file, 3)
    before, there = everything(file), sorted(tmp_path.iterdir())
    done = rehearse(file, lambda: START, ticking())
    assert [step.number for step, _ in done.steps] == [step.number for step in steps[3:]]
    assert {seconds for _, seconds in done.steps} == {1.0}
    assert done.seconds == 1.0
    assert done.size > 10_000
    assert everything(file) == before
    assert [path for path in sorted(tmp_path.iterdir()) if not path.name.startswith(file.name)] == []
    assert there[0] in tmp_path.iterdir()
    migrate(file, lambda: START)
    assert rehearse(file, lambda: START, ticking()).steps == ()


def test_a_rehearsal_says_what_the_steps_would_fail_with(tmp_path: Path) -> None:
    file = tmp_path / "catalog.sqlite"
    written(file, 3)
    apsw.Connection(str(file)).execute("DROP TABLE tags").fetchall()
    with pytest.raises(Unavailable, match=r"the migration 0\d\d\d \w+ fails here: .*tags"):
        rehearse(file, lambda: START, ticking())
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_a_rehearsal_says_which_step_the_rows_do_not_fit(tmp_path: Path) -> None:
    file = tmp_path / "catalog.sqlite"
    written(file, 3)
    connection = apsw.Connection(str(file))
    connection.execute("DROP INDEX accounts_by_external").fetchall()
    connection.execute("CREATE INDEX accounts_by_external ON accounts (source)").fetchall()
    for name in ("one", "two"):
        connection.execute(
            "INSERT INTO accounts (kind, name, display, email, source, external, namespace, must_change, factors,"
            " disabled, expires_at, created_at, created_by)"
            " VALUES ('user', ?, '', '', 'corp', '42', '', 0, x'', '', 0, 0, 'root')",
            (name,),
        ).fetchall()
    connection.close()
    with pytest.raises(Unavailable, match=r"the migration 0006 authorities fails here: UNIQUE constraint failed"):
        rehearse(file, lambda: START, ticking())
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def _killed_at(file: Path, statement: int) -> bool:
    """Migrate in a process that dies before this statement, as by SIGKILL; whether it came so far."""
    child = os.fork()
    if not child:
        try:
            connection = apsw.Connection(str(file))
            left = [statement]

            def trace(*_: object) -> bool:
                left[0] -= 1
                if not left[0]:
                    os._exit(9)
                return True

            connection.exec_trace = trace
            connection.execute("BEGIN IMMEDIATE")
            take_steps(connection, file, lambda: START)
            connection.execute("COMMIT")
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.slow
def test_a_migration_that_is_killed_at_any_statement_is_undone(tmp_path: Path) -> None:
    file = tmp_path / "catalog.sqlite"
    written(file, 1)
    counting = apsw.Connection(str(file))
    counted = [0]

    def count(*_: object) -> bool:
        counted[0] += 1
        return True

    counting.exec_trace = count
    counting.execute("BEGIN IMMEDIATE")
    take_steps(counting, file, lambda: START)
    counting.execute("ROLLBACK")
    counting.close()
    before = everything(file)
    stride = max(1, counted[0] // KILLS)
    assert counted[0] > 100
    for statement in range(1, counted[0], stride):
        assert _killed_at(file, statement), statement
        assert [step.number for step in taken(file)] == [1], statement
    assert everything(file) == before
    assert len(migrate(file, lambda: START)) == len(migrations.known("sqlite")) - 1


async def _old(url: str, since: int) -> None:
    """The same in PostgreSQL."""
    old = await asyncpg.connect(url)
    await old.execute(
        "CREATE TABLE orlop_migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL,"
        " expands BOOLEAN NOT NULL); CREATE TABLE orlop_store (id TEXT NOT NULL);"
        "INSERT INTO orlop_store VALUES ('store')"
    )
    for number, step in enumerate(migrations.known("postgres")[:since]):
        await old.execute(step.sql)
        await old.execute("INSERT INTO orlop_migrations VALUES ($1, $2, 0, false)", step.number, step.name)
        if not number:
            await old.execute(ROWS % "BYTEA" + EVENT % 1)
    await old.close()


@pytest.mark.slow
@pytest.mark.parametrize("since", [1, 20])
def test_a_rehearsal_in_postgresql(postgres: PostgresServer, runner: asyncio.Runner, since: int) -> None:
    url, steps = postgres.database(), migrations.known("postgres")
    name = f"orlop_rehearsal_{since}"

    async def look() -> None:
        await _old(url, since)
        database = Database(url)
        done = await rehearsal.rehearse(database, lambda: START, ticking(), name)
        assert [step.number for step, _ in done.steps] == [step.number for step in steps[since:]]
        assert done.size > 100
        assert [step.number for step in await on_postgres.taken(database)] == [step.number for step in steps[:since]]
        live = await asyncpg.connect(url)
        assert await live.fetchval("SELECT count(*) FROM pg_database WHERE datname = $1", name) == 0
        await on_postgres.migrate(database, lambda: START)
        assert (await rehearsal.rehearse(database, lambda: START, ticking(), name)).steps == ()
        await live.close()

    runner.run(look())


@pytest.mark.slow
def test_without_the_right_to_make_a_database_a_rehearsal_says_so(
    postgres: PostgresServer, runner: asyncio.Runner
) -> None:
    url = postgres.database()

    async def look() -> None:
        await _old(url, 3)
        live = await asyncpg.connect(url)
        name = url.rpartition("/")[2]
        await live.execute(
            "DROP ROLE IF EXISTS narrow; CREATE ROLE narrow LOGIN PASSWORD 'narrow';"
            f'GRANT CONNECT ON DATABASE "{name}" TO narrow; GRANT SELECT ON ALL TABLES IN SCHEMA public TO narrow'
        )
        port = url.rpartition("/")[0].rpartition(":")[2]
        narrow = Database(f"postgresql://narrow:narrow@127.0.0.1:{port}/{name}")
        with pytest.raises(Unavailable, match="CREATEDB"):
            await rehearsal.rehearse(narrow, lambda: START, ticking(), "orlop_rehearsal_x")
        await live.execute("DROP OWNED BY narrow; DROP ROLE narrow")
        await live.close()

    runner.run(look())


@pytest.mark.slow
def test_a_migration_in_postgresql_that_dies_at_any_step_is_undone(
    postgres: PostgresServer, runner: asyncio.Runner
) -> None:
    url, steps = postgres.database(), migrations.known("postgres")

    async def look() -> None:
        await _old(url, 1)
        for dies_after in range(2, len(steps) + 1, 7):
            connection = await asyncpg.connect(url)
            transaction = connection.transaction()
            await transaction.start()
            await on_postgres.take(
                connection, (migrations.Applied(1, "initial", 0, expands=False),), steps[1:dies_after], lambda: START
            )
            connection.terminate()
            assert [step.number for step in await on_postgres.taken(Database(url))] == [1], dies_after
        assert len(await on_postgres.migrate(Database(url), lambda: START)) == len(steps) - 1

    runner.run(look())
