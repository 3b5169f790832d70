"""Into what a backup is restored: what it cannot fill is refused before anything is written, and what a run that was
killed has filled is finished by the next (bootstrap.commands.backing_up)."""

import asyncio
import os
from pathlib import Path

import msgspec
import pytest
import structlog

from orlop.adapters.filesystem.backups import BackupFolder
from orlop.adapters.sql.backup.postgres import PostgresFill
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
from orlop.services.backup.creating import BackupProgress
from orlop.services.backup.restoring import RestoreProgress
from tests.content import image
from tests.postgres import SURROUNDINGS, PostgresServer
from tests.wire.inprocess import InProcess


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


class Killed(BaseException):
    """Nothing is done after it."""


async def restore(settings: Settings, target: BackupFolder, made: Backup, *, killed: bool = False) -> None:
    async with Backups().restoration(settings, target, made, 0) as restoration:
        await restoration.run(made, RestoreProgress())
        if killed:
            raise Killed


@pytest.mark.slow
@pytest.mark.parametrize("written_since", [False, True])
def test_a_restore_that_was_killed_when_the_catalog_was_there(
    postgres: PostgresServer,
    runner: asyncio.Runner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    written_since: bool,
) -> None:
    monkeypatch.setattr(os, "nice", lambda _: 0)  # what comes after this test in its process goes on as before
    source, url = CatalogStore(postgres.catalog()), postgres.catalog()
    what = image("app")
    with structlog.testing.capture_logs(), InProcess(tmp_path / "source", catalog=source) as registry:
        registry.push("team/app", what, "v1")
        here = registry.settings
    there = msgspec.structs.replace(here, data=tmp_path / "data", catalog=CatalogStore(url))

    async def look() -> None:
        target = BackupFolder(tmp_path / "bk")
        async with Backups().creation(here, target, 0) as creation:
            made = (await creation.run(BackupProgress())).backup
        for _ in range(2):
            with pytest.raises(Killed):
                await restore(there, target, made, killed=True)
        other = msgspec.structs.replace(made, at=made.at + 1)
        with pytest.raises(Denied, match="the database is not empty"):
            await PostgresFill(Database(url)).check(other)
        if written_since:
            opened = open_postgres(Database(url), None, [0], 0, SURROUNDINGS)
            await opened.identity.documents.put(Document("quota", "few", b'{"tags": 5}'), By("admin", 1))
            await opened.engine.close()
            with pytest.raises(Denied, match="the database is not empty"):
                await restore(there, target, made)
            assert not there.data.exists()
            return
        await restore(there, target, made)
        with pytest.raises(Denied, match="the database is not empty"):
            await restore(there, target, made)

    runner.run(look())
    if not written_since:
        with structlog.testing.capture_logs(), InProcess(there.data, catalog=there.catalog) as restored:
            assert restored.ask("GET", "/v2/team/app/manifests/v1").body == what.content
            for piece in what.blobs:
                assert restored.ask("GET", f"/v2/team/app/blobs/{piece.digest}").body == piece.content
    for one in (source.url, url):
        postgres.drop(one)
