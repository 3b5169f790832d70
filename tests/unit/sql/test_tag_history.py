"""A tag that moved a hundred thousand times: a page of its history, and what it pointed at at a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from orlop.adapters.sql.catalog import DATABASE, OpenCatalog, open_sqlite
from orlop.adapters.sql.postgres.catalog import open_postgres
from orlop.adapters.sql.postgres.connections import Database
from orlop.adapters.sql.sqlite import connect
from tests.catalogs import empty_catalog
from tests.content import image
from tests.contract.scene import APP, START, V1, Scene
from tests.postgres import SURROUNDINGS, PostgresServer
from tests.serving import unhurried

MOVES, APART = 100_000, 1_000_000
#: What a page may take, in seconds.
SOON = 0.020

ONE, TWO = image("one"), image("two")
MOVED = f"""
INSERT INTO tag_history (repository_id, tag, at, actor, digest, previous)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MOVES})
SELECT 1, '{V1}', {START} + CAST(i AS BIGINT) * {APART}, 'alice',
       CASE WHEN i % 2 = 0 THEN '{ONE.digest}' ELSE '{TWO.digest}' END,
       CASE WHEN i % 2 = 1 THEN '{ONE.digest}' ELSE '{TWO.digest}' END
FROM n
"""


async def _soonest(ask: Callable[[], Awaitable[object]]) -> float:
    """How long it takes, in seconds, when nothing else is going on: the machine may be busy meanwhile."""
    taken = []
    for _ in range(10):
        began = time.perf_counter()
        await ask()
        taken.append(time.perf_counter() - began)
    return min(taken)


async def _look(opened: OpenCatalog, fill: Callable[[], Awaitable[None]]) -> None:
    await Scene(opened.catalog).push(APP, ONE, V1)
    await Scene(opened.catalog).push(APP, TWO)
    await fill()
    history = opened.catalog.history
    newest = await history.history(APP, V1, 100)
    assert [change.at - START for change in newest] == [APART * (MOVES - number) for number in range(100)]
    middle = newest[0].number - MOVES // 2
    assert len(await history.history(APP, V1, 100, middle)) == 100
    for at in (0, 1, MOVES // 2, MOVES - 1):
        change = await history.change_at(APP, V1, START + at * APART + 1)
        assert change is not None
        assert change.at == START + at * APART
        assert await _soonest(lambda at=at: history.change_at(APP, V1, START + at * APART)) < unhurried(SOON)  # type: ignore[misc]
    for before in (0, middle, 200):
        assert await _soonest(lambda before=before: history.history(APP, V1, 100, before)) < unhurried(SOON)  # type: ignore[misc]
    await opened.engine.close()


@pytest.mark.slow
def test_in_sqlite(tmp_path: Path, runner: asyncio.Runner) -> None:
    empty_catalog(tmp_path)

    async def fill() -> None:
        connection = connect(tmp_path / DATABASE)
        connection.execute(MOVED).fetchall()
        connection.close()

    async def look() -> None:
        await _look(open_sqlite(tmp_path), fill)

    runner.run(look())


@pytest.mark.slow
def test_in_postgresql(postgres: PostgresServer, runner: asyncio.Runner) -> None:
    url = postgres.catalog()

    async def fill() -> None:
        await asyncio.to_thread(postgres.execute, f"{MOVED}; ANALYZE tag_history", url)

    async def look() -> None:
        await _look(open_postgres(Database(url), None, [0], 0, SURROUNDINGS), fill)

    runner.run(look())
