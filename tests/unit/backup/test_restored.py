"""What a restored catalog leaves out, and what it refuses (adapters.sql.backup.sqlite)."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import apsw
import pytest

from orlop.adapters.sql.backup.sqlite import FILE, SqliteFill, SqliteSnapshots
from orlop.adapters.sql.catalog import DATABASE
from orlop.domain.backup import FORMAT, Backup
from orlop.domain.errors import ContentCorrupt, Denied
from tests.catalogs import empty_catalog

BACKUP = Backup(FORMAT, 5, 6, "0.1.0", "sqlite", 52, 0, 0, ())

ROWS = """
PRAGMA foreign_keys = OFF;
INSERT INTO uploads (id, repository, created_by, algorithm, started_at, expires_at)
VALUES ('u', 'team/app', 'a', 'sha256', 1, 2);
INSERT INTO sessions VALUES ('s', 1, '', '', 1, 2, '', '');
INSERT INTO signing_keys VALUES ('k', 'ES256', x'00', 1, 1, 2);
INSERT INTO deliveries (hook, lane, event, kind, facts, state, created_at, due_at, expires_at)
VALUES ('h', 'l', 1, 'tag.created', x'00', 'pending', 1, 1, 2),
       ('h', 'l', 2, 'tag.created', x'00', 'delivered', 1, 1, 2);
INSERT INTO queue (kind, arguments, place, asked_by, asked_at, priority, not_before, state)
VALUES ('scrub', '{}', '', 'a', 1, 1, 1, 'waiting'), ('scrub', '{}', '', 'a', 1, 1, 1, 'done');
UPDATE jobs SET owner = 'o', fence = 7, lease_until = 99 WHERE name = 'backup';
UPDATE moving SET state = 'closed', move = 'm', gate = 'move', blobs = 'file:/there';
"""


def asked(file: Path, statement: str) -> list[Any]:
    connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def source(folder: Path) -> Path:
    folder.mkdir()
    empty_catalog(folder)
    return folder / DATABASE


def made(folder: Path) -> None:
    folder.mkdir()


def names(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


async def restored(content: bytes, folder: Path) -> Path:
    async def pieces(file: str) -> AsyncGenerator[bytes, None]:
        assert file == FILE
        yield content[:4096]
        yield content[4096:]

    made(folder)
    await SqliteFill(folder / DATABASE).fill(BACKUP, pieces)
    assert names(folder) == [DATABASE]
    return folder / DATABASE


async def test_what_must_not_happen_twice_is_left_out(tmp_path: Path) -> None:
    catalog = source(tmp_path / "source")
    asked(catalog, ROWS)
    file = await restored(catalog.read_bytes(), tmp_path / "target")
    for table in ("uploads", "sessions", "signing_keys"):
        assert asked(catalog, f"SELECT count(*) FROM {table}") == [(1,)]
        assert asked(file, f"SELECT count(*) FROM {table}") == [(0,)]
    assert asked(file, "SELECT event, state FROM deliveries ORDER BY id") == [(1, "dead"), (2, "delivered")]
    assert asked(file, "SELECT state FROM queue ORDER BY id") == [("cancelled",), ("done",)]
    assert asked(file, "SELECT owner, fence, lease_until FROM jobs WHERE name = 'backup'") == [("", 7, 0)]
    assert asked(file, "SELECT state, move, gate, blobs FROM moving") == [("settled", "", None, "")]


@pytest.mark.parametrize(
    "spoilt", [b"", b"no database at all, but some text" * 500, b"SQLite format 3\0" + b"\xff" * 9000]
)
async def test_what_is_no_catalog_is_not_put_in_its_place(spoilt: bytes, tmp_path: Path) -> None:
    with pytest.raises(ContentCorrupt):
        await restored(spoilt, tmp_path / "target")
    assert not (tmp_path / "target" / DATABASE).exists()


async def test_a_catalog_of_the_other_engine_is_refused(tmp_path: Path) -> None:
    async def pieces(_: str) -> AsyncGenerator[bytes, None]:
        yield b""

    postgres = Backup(FORMAT, 5, 6, "0.1.0", "postgres", 52, 0, 0, ())
    with pytest.raises(Denied, match="is of a catalog in PostgreSQL"):
        await SqliteFill(tmp_path / DATABASE).fill(postgres, pieces)


async def test_a_snapshot_leaves_nothing_behind(tmp_path: Path) -> None:
    catalog = source(tmp_path / "source")
    scratch = tmp_path / "odd ?#% name"
    scratch.mkdir()
    async with SqliteSnapshots(catalog, lambda: scratch).take() as snapshot:
        content = b"".join([chunk async for chunk in snapshot.chunks(FILE)])
        assert [page async for page in snapshot.blobs()] == []
        assert snapshot.schema >= 52
    assert list(scratch.iterdir()) == []
    assert (await restored(content, tmp_path / "target")).exists()
