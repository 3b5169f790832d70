"""A restore into what it cannot fill is refused before anything is written (bootstrap.commands.backing_up)."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from orlop.adapters.filesystem.backups import BackupFolder
from orlop.adapters.sql.migrations import known
from orlop.adapters.sql.postgres.catalog import open_postgres
from orlop.adapters.sql.postgres.connections import Database
from orlop.bootstrap.commands.backing_up import Backups
from orlop.config import Settings
from orlop.config.settings import CatalogStore
from orlop.domain.backup import FORMAT, Backup
from orlop.domain.errors import Denied
from orlop.ports.catalog import By
from orlop.ports.settings import Document
from tests.postgres import SURROUNDINGS, PostgresServer


def backup(engine: str) -> Backup:
    return Backup(FORMAT, 5, 6, "0.1.0", engine, known(engine)[-1].number, 0, 0, ())


def names(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


async def refused(settings: Settings, made: Backup, folder: Path, why: str) -> None:
    """It is refused so, and nothing lies beside the place where it would be."""
    target = BackupFolder(folder / "bk")
    with pytest.raises(Denied, match=why):
        async with Backups().restoration(settings, target, made, 0):
            pytest.fail("it begins")
    assert names(folder) == []


async def test_a_backup_of_the_other_engine(tmp_path: Path) -> None:
    settings = msgspec.structs.replace(Settings(), data=tmp_path / "data")
    await refused(settings, backup("postgres"), tmp_path, "is of a catalog in PostgreSQL")
    nowhere = CatalogStore("postgresql://127.0.0.1:1/none")
    await refused(msgspec.structs.replace(settings, catalog=nowhere), backup("sqlite"), tmp_path, "in SQLite")


@pytest.mark.slow
def test_a_database_that_is_not_empty(postgres: PostgresServer, runner: asyncio.Runner, tmp_path: Path) -> None:
    url = postgres.catalog()
    settings = msgspec.structs.replace(Settings(), data=tmp_path / "data", catalog=CatalogStore(url))

    async def look() -> None:
        opened = open_postgres(Database(url), None, [0], 0, SURROUNDINGS)
        await opened.identity.documents.put(Document("quota", "few", b'{"tags": 5}'), By("admin", 1))
        await opened.engine.close()
        await refused(settings, backup("postgres"), tmp_path, "the database is not empty")

    runner.run(look())
    postgres.drop(url)
