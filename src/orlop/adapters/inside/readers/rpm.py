"""Packages of distributions with RPM: its database in each of its three formats."""

import struct
from collections.abc import Iterator

import apsw

from orlop.adapters.inside.readers.reader import Reader
from orlop.adapters.inside.readers.rpm_databases import NDB, berkeley, berkeley_order, ndb
from orlop.adapters.inside.readers.rpm_header import package_of
from orlop.adapters.inside.readers.words import DAMAGED, PACKAGES, TOO_MANY
from orlop.domain.inside.layers import Found
from orlop.domain.inside.package import Package

NAME = "rpm"
_FOLDERS = ("var/lib/rpm/", "usr/lib/sysimage/rpm/", "usr/share/rpm/")
_LOG = "rpmdb.sqlite-wal"
_FILES = frozenset({"rpmdb.sqlite", "Packages.db", "Packages", _LOG})
_MOST = 256 * 1024 * 1024
_SQLITE = b"SQLite format 3\0"
#: Where a database says that it has a log beside it, which one in memory cannot have, and what says that it has none.
_VERSIONS, _NO_LOG = slice(18, 20), b"\1\1"
#: Steps of the machine of SQLite between two looks at the time, and how many looks there are.
_STEPS, _LOOKS = 100_000, 2_000
_NOT_A_TABLE = "it has no table of packages"


def read_rpm(path: str, content: bytes) -> Found | None:
    """The packages that are installed."""
    if not content:
        return None
    if path.endswith(_LOG):
        return Found(path=path, reader=NAME, unread="it holds changes that are not in the database yet")
    packages, unread = list[Package](), ""
    try:
        for header in _headers(content):
            package = package_of(header)
            if package is None:
                continue
            if len(packages) >= PACKAGES:
                unread = TOO_MANY
                break
            packages.append(package)
    except (ValueError, IndexError, struct.error, apsw.Error):
        unread = DAMAGED
    return Found(path=path, reader=NAME, packages=tuple(packages), unread=unread)


def _headers(content: bytes) -> Iterator[bytes]:
    if content.startswith(_SQLITE):
        return _sqlite(content)
    if content.startswith(NDB):
        return ndb(content)
    if order := berkeley_order(content):
        return berkeley(content, order)
    raise ValueError(DAMAGED)


def _sqlite(content: bytes) -> Iterator[bytes]:
    """Headers of a database of SQLite, of which nothing but one table is read: no view, no trigger, no function."""
    own = bytearray(content)
    own[_VERSIONS] = _NO_LOG
    connection = apsw.Connection(":memory:")
    try:
        connection.limit(apsw.SQLITE_LIMIT_LENGTH, len(content))
        connection.deserialize("main", own)
        connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
        connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_VIEW, 0)
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
        connection.pragma("query_only", 1)
        looks = iter(range(_LOOKS))
        connection.set_progress_handler(lambda: next(looks, None) is None, _STEPS)
        kind = connection.execute("SELECT type FROM sqlite_schema WHERE name = 'Packages' AND rootpage > 0").get
        if kind != "table":
            raise ValueError(_NOT_A_TABLE)
        for (blob,) in connection.execute("SELECT blob FROM Packages"):
            if not isinstance(blob, bytes):
                raise ValueError(DAMAGED)
            yield blob
    finally:
        connection.close()


def _wants(path: str, _mode: int, size: int) -> bool:
    return path.startswith(_FOLDERS) and size > 0 and path.rpartition("/")[2] in _FILES and path.count("/") <= 4


RPM = Reader(name=NAME, wants=_wants, most=_MOST, read=read_rpm)
