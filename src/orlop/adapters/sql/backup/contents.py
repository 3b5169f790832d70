"""The repositories of a backup, read out of its catalog: a file of SQLite as it is, or the rows of three tables."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import apsw

from orlop.adapters.sql.backup.sqlite import FILE
from orlop.adapters.sql.sqlite import translated
from orlop.domain.backup import Backup
from orlop.domain.descriptor import Descriptor
from orlop.domain.digest import Digest
from orlop.domain.errors import ContentCorrupt
from orlop.domain.names import RepositoryName
from orlop.ports.backup import FilePieces
from orlop.ports.upstream import ManifestContent

#: Rows that one query takes.
_PAGE = 1_000

#: What is read of a catalog, in PostgreSQL by the names of its columns.
_TABLES = {
    "repositories": ("id", "name"),
    "manifests": ("id", "repository_id", "digest", "media_type", "artifact_type", "subject_digest", "content"),
    "tags": ("repository_id", "name", "manifest_id"),
}
_SCHEMA = """
CREATE TABLE repositories (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE manifests (id INTEGER PRIMARY KEY, repository_id INTEGER, digest TEXT, media_type TEXT, artifact_type TEXT,
                        subject_digest TEXT, content BLOB, UNIQUE (repository_id, digest));
CREATE TABLE tags (repository_id INTEGER, name TEXT, manifest_id INTEGER, PRIMARY KEY (repository_id, name));
CREATE INDEX manifests_by_subject ON manifests (repository_id, subject_digest);
"""
_REPOSITORIES = """
SELECT name, (SELECT count(*) FROM tags WHERE repository_id = r.id) FROM repositories r
WHERE name > ?1 ORDER BY name LIMIT ?2"""
_TAGS = """
SELECT t.name FROM repositories r JOIN tags t ON t.repository_id = r.id
WHERE r.name = ?1 AND t.name > ?2 ORDER BY t.name LIMIT ?3"""
_MANIFEST = """
SELECT m.digest, m.media_type, m.content FROM repositories r JOIN manifests m ON m.repository_id = r.id
WHERE r.name = ?1 AND m.digest = ?2"""
_TAGGED = """
SELECT m.digest, m.media_type, m.content FROM repositories r JOIN tags t ON t.repository_id = r.id
JOIN manifests m ON m.id = t.manifest_id WHERE r.name = ?1 AND t.name = ?2"""
_REFERRERS = """
SELECT m.digest, m.media_type, length(m.content), m.artifact_type
FROM repositories r JOIN manifests m ON m.repository_id = r.id
WHERE r.name = ?1 AND m.subject_digest = ?2 ORDER BY m.digest"""
_UNTAGGED = """
SELECT m.digest FROM repositories r JOIN manifests m ON m.repository_id = r.id
WHERE r.name = ?1 AND m.digest > ?2 AND NOT EXISTS (SELECT 1 FROM tags t WHERE t.manifest_id = m.id)
ORDER BY m.digest LIMIT ?3"""

_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_PLAIN = {b"t": b"\t", b"n": b"\n", b"r": b"\r", b"b": b"\b", b"f": b"\f", b"v": b"\v"}


class BackedUpContents:
    """See ports.backup.BackupContents. Made by `contents`."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    async def repositories(self, after: str) -> Sequence[tuple[str, int]]:
        """See BackupContents."""
        rows = self._rows(_REPOSITORIES, after, _PAGE)
        return [(str(name), int(str(tags))) for name, tags in rows]

    async def tags(self, repository: RepositoryName, after: str) -> Sequence[str]:
        """See BackupContents."""
        return [str(name) for (name,) in self._rows(_TAGS, repository, after, _PAGE)]

    async def untagged(self, repository: RepositoryName, after: str) -> Sequence[Digest]:
        """See BackupContents."""
        return [Digest.stored(str(digest)) for (digest,) in self._rows(_UNTAGGED, repository, after, _PAGE)]

    async def manifest(self, repository: RepositoryName, reference: str) -> ManifestContent | None:
        """See BackupContents."""
        rows = self._rows(_MANIFEST if ":" in reference else _TAGGED, repository, reference)
        for digest, media_type, content in rows:
            assert isinstance(content, bytes)
            return ManifestContent(Digest.stored(str(digest)), str(media_type), content)
        return None

    async def referrers(self, repository: RepositoryName, subject: Digest) -> Sequence[Descriptor]:
        """See BackupContents."""
        return [
            Descriptor(
                media_type=str(media_type), digest=str(digest), size=int(str(size)), artifact_type=str(artifact_type)
            )
            for digest, media_type, size, artifact_type in self._rows(_REFERRERS, repository, subject)
        ]

    def _rows(self, statement: str, *parameters: str | int) -> list[tuple[object, ...]]:
        with translated():
            return self._connection.execute(statement, tuple(map(_plain, parameters))).fetchall()


def _plain(value: str | int) -> str | int:
    return value if isinstance(value, int) else str(value)


@asynccontextmanager
async def contents(backup: Backup, pieces: FilePieces, scratch: Path) -> AsyncIterator[BackedUpContents]:
    """What repositories of a backup hold, until the block ends; `scratch` has room for its catalog.

    Raises ContentCorrupt, Unavailable.
    """
    file = scratch / FILE
    if backup.engine == "sqlite":
        with file.open("xb") as target:
            async with aclosing(pieces(FILE)) as stream:
                async for piece in stream:
                    await asyncio.to_thread(target.write, piece)
    with translated():
        connection = apsw.Connection(str(file))
    try:
        if backup.engine != "sqlite":
            await _fill(connection, backup, pieces)
        yield BackedUpContents(connection)
    finally:
        connection.close()


async def _fill(connection: apsw.Connection, backup: Backup, pieces: FilePieces) -> None:
    with translated():
        connection.execute(f"PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF; BEGIN; {_SCHEMA}").fetchall()
    for table, columns in _TABLES.items():
        file = backup.file(f"{table}.copy")
        places = [file.columns.index(column) for column in columns]
        statement = f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})"  # noqa: S608 - names of this module
        async with aclosing(pieces(file.name)) as stream:
            async for piece in stream:
                with translated():
                    await asyncio.to_thread(connection.executemany, statement, _rows(piece, places, columns))
    with translated():
        connection.execute("COMMIT").fetchall()


def _rows(lines: bytes, places: Sequence[int], columns: Sequence[str]) -> Iterator[tuple[object, ...]]:
    """Rows as COPY writes them: fields between tabs, `\\N` for nothing (PostgreSQL, COPY, "Text Format")."""
    for line in lines.splitlines():
        fields = line.split(b"\t")
        try:
            yield tuple(_field(fields[place], column) for place, column in zip(places, columns, strict=True))
        except (IndexError, ValueError, UnicodeDecodeError) as cause:
            raise ContentCorrupt("the catalog in the backup has a row that is none") from cause


def _field(field: bytes, column: str) -> str | bytes | None:
    if field == b"\\N":
        return None
    plain = _ESCAPED.sub(lambda found: _PLAIN.get(found[1], found[1]), field)
    if column != "content":
        return plain.decode()
    if not plain.startswith(b"\\x"):
        raise ValueError(plain[:2])
    return bytes.fromhex(plain[2:].decode("ascii"))
