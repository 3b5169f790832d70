"""Usage on stores of before, and on damaged ones: the migration counts what is there, and a recount mends it."""

import asyncio
from pathlib import Path

import apsw
import asyncpg
import pytest

from orlop.adapters.sql.catalog import DATABASE, OpenCatalog, open_sqlite
from orlop.adapters.sql.memory import open_memory
from orlop.adapters.sql.migrations.postgres import migrate as migrate_postgres
from orlop.adapters.sql.migrations.sqlite import migrate
from orlop.adapters.sql.postgres.catalog import open_postgres
from orlop.adapters.sql.postgres.connections import Database
from orlop.domain.durations import DAY
from orlop.domain.names import RepositoryName
from orlop.domain.queue import Job
from orlop.services.jobs.work import Run
from orlop.services.usage.keeping import recording, recounting
from tests.catalogs import rows
from tests.content import image
from tests.contract.scene import APP, LIB, WEB, Scene
from tests.contract.usage import ONE, TWO, stored, usage
from tests.postgres import SURROUNDINGS, PostgresServer
from tests.registry import HandClock

_BEFORE = """
DROP TABLE node_usage; DROP TABLE node_blobs; DROP TABLE usage_days; DROP INDEX uploads_by_repository;
ALTER TABLE uploads DROP COLUMN reserved;
DROP TABLE node_cached; DROP TABLE cached_manifests; ALTER TABLE repositories DROP COLUMN cache_root;
DELETE FROM {migrations} WHERE number IN (15, 21, 22)"""


async def _fill(opened: OpenCatalog) -> Scene:
    scene = Scene(opened.catalog)
    await scene.push(APP, ONE)
    await scene.push(LIB, TWO)
    await scene.push(RepositoryName("team/web/front"), ONE)
    await scene.push(WEB, image("three", ["base"]))
    return scene


async def test_a_folder_of_before_is_counted_when_it_is_migrated(tmp_path: Path) -> None:
    migrate(tmp_path / DATABASE, lambda: 0)
    opened = open_sqlite(tmp_path)
    await _fill(opened)
    await opened.engine.close()
    connection = apsw.Connection(str(tmp_path / DATABASE))
    connection.execute(_BEFORE.format(migrations="migrations")).fetchall()
    connection.close()
    assert migrate(tmp_path / DATABASE, lambda: 0)[0].number == 15
    opened = open_sqlite(tmp_path)
    assert await Scene(opened.catalog).findings() == []
    assert (await usage(opened.catalog, "team")).stored_bytes == stored(ONE, TWO) + len(ONE.content)
    await opened.engine.close()


@pytest.mark.slow
async def test_a_database_of_before_is_counted_when_it_is_migrated(postgres: PostgresServer) -> None:
    url = await asyncio.to_thread(postgres.catalog)
    opened = open_postgres(Database(url, 1), None, [0], 0, SURROUNDINGS)
    await _fill(opened)
    connection = await asyncpg.connect(url)
    await connection.execute(_BEFORE.format(migrations="orlop_migrations"))
    await connection.close()
    await migrate_postgres(Database(url, 1), lambda: 0)
    assert await Scene(opened.catalog).findings() == []
    await opened.engine.close()


def _run() -> Run:
    nothing = dict.fromkeys(Job.__struct_fields__, 0)
    return Run(Job(**{**nothing, "lease_until": 1 << 62}), HandClock())


async def test_a_recount_mends_what_an_older_release_did_not_count() -> None:
    opened = open_memory()
    scene = await _fill(opened)
    for damage in (
        "UPDATE node_usage SET stored_bytes = 7, tags = tags + 3",
        "DELETE FROM node_usage",
        "DELETE FROM node_blobs",
        "UPDATE node_blobs SET holders = holders + 1",
        "INSERT INTO node_blobs SELECT max(id) + 5, 2, 1 FROM blobs",
    ):
        rows(opened, damage)
        assert {finding.invariant for finding in await scene.findings()} == {5}
        await recounting(opened.catalog.usage_keeping).do(_run())
        assert await scene.findings() == []
    assert "0 numbers of holders and 0 namespaces" in await recounting(opened.catalog.usage_keeping).do(_run())
    await opened.engine.close()


async def test_the_history_is_written_by_the_day() -> None:
    opened = open_memory()
    await _fill(opened)
    clock = HandClock()
    await recording(opened.catalog.usage_keeping, clock).do(_run())
    assert [each.day for each in await opened.catalog.usages.days("team", 0)] == [clock.now() // DAY]
    await opened.engine.close()
