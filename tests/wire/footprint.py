"""What a registry keeps: rows, copies and stages, to see that a refusal left nothing behind."""

from pathlib import Path

import apsw
import msgspec

_TABLES = ["namespaces", "repositories", "blobs", "blob_links", "manifests", "edges", "tags", "tag_history", "outbox"]


class Footprint(msgspec.Struct, frozen=True):
    """Rows of every table that a client can make grow, files of the blob store, and sessions that are under way."""

    rows: dict[str, int]
    sessions: int
    copies: tuple[str, ...]
    stages: tuple[str, ...]


def footprint(data: Path) -> Footprint:
    """What lies in a data folder now.

    A session that was cancelled does not count, nor does a stage that its writer made after that: the next sweep of
    ended sessions takes both.
    """
    connection = apsw.Connection(str(data / "catalog" / "catalog.sqlite"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        rows = {table: _count(connection, f"SELECT count(*) FROM {table}") for table in _TABLES}
        sessions = _count(connection, "SELECT count(*) FROM uploads WHERE expires_at > 0")
        ended = {str(row[0]) for row in connection.execute("SELECT id FROM uploads WHERE expires_at = 0")}
    finally:
        connection.close()
    stages = tuple(stage for stage in _files(data / "uploads") if stage not in ended)
    return Footprint(rows, sessions, _files(data / "blobs"), stages)


def _count(connection: apsw.Connection, statement: str) -> int:
    return int(connection.execute(statement).fetchone()[0])  # type: ignore[index]


def _files(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()))
