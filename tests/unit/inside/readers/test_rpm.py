"""Databases of RPM in all three formats: real ones, such as programs that define them make, and damaged ones."""

import random
import struct
import subprocess
from pathlib import Path

import apsw
import pytest

from orlop.adapters.inside.readers.rpm import read_rpm
from orlop.adapters.inside.readers.rpm_header import package_of
from orlop.domain.inside.package import Package
from tests.needs import need

FOLDER = "var/lib/rpm/"
_NAME, _VERSION, _RELEASE, _EPOCH, _LICENCE, _ARCHITECTURE, _SOURCE, _REGION = (
    1000,
    1001,
    1002,
    1003,
    1014,
    1022,
    1044,
    63,
)
OTHER = Package(
    type="rpm",
    name="other",
    version="1.2-3.el9",
    epoch=2,
    architecture="noarch",
    source="hello-libs",
    licences=("GPLv2+ and MIT",),
)


def rpm_header(name: str = "other", filling: int = 0, **more: object) -> bytes:
    """A header as a database holds it, with a region before it as packages have since 4.0."""
    values = {
        _NAME: name,
        _VERSION: "1.2",
        _RELEASE: "3.el9",
        _EPOCH: 2,
        _LICENCE: ["GPLv2+ and MIT", "Deutsch"],
        _ARCHITECTURE: "noarch",
        _SOURCE: "hello-libs-1.2-3.el9.src.rpm",
        5000: "x" * filling,
    } | {int(key.removeprefix("t")): value for key, value in more.items()}
    entries, data = struct.pack(">IIiI", _REGION, 7, -16, 16), b""
    for tag, value in values.items():
        if isinstance(value, int):
            data += bytes(-len(data) % 4)
            entries, data = entries + struct.pack(">IIiI", tag, 4, len(data), 1), data + struct.pack(">I", value)
        else:
            texts = value if isinstance(value, list) else [value]
            kind = 9 if isinstance(value, list) else 6
            entries += struct.pack(">IIiI", tag, kind, len(data), len(texts))
            data += b"".join(str(text).encode() + b"\0" for text in texts)
    return struct.pack(">II", len(entries) // 16, len(data)) + entries + data


HEADERS = [rpm_header("hello-libs"), rpm_header("other"), rpm_header("large", 20_000), rpm_header("gpg-pubkey")]
NAMES = ["hello-libs", "large", "other"]


def sqlite(tmp_path: Path, *statements: str) -> bytes:
    """As RPM makes it, with a log beside it that is empty."""
    path = tmp_path / "rpmdb.sqlite"
    connection = apsw.Connection(str(path))
    connection.pragma("journal_mode", "WAL")
    for statement in statements or (
        "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)",
    ):
        connection.execute(statement)
    if not statements:
        connection.executemany("INSERT INTO Packages(blob) VALUES (?)", [(header,) for header in HEADERS])
    connection.close()
    return path.read_bytes()


def ndb(headers: list[bytes]) -> bytes:
    """lib/backend/ndb/rpmpkg.c: a page of slots, and blobs in blocks of 16 bytes."""
    slots, blobs, block = b"", b"", 4096 // 16
    for number, header in enumerate(headers, 1):
        blob = struct.pack("<4sIII", b"BlbS", number, 0, len(header)) + header
        blob += bytes(-(len(blob) + 12) % 16) + struct.pack("<II4s", 0, len(header), b"BlbE")
        slots += struct.pack("<4sIII", b"Slot", number, block + len(blobs) // 16, len(blob) // 16)
        blobs += blob
    slots += struct.pack("<4sIII", b"Slot", 0, 0, 0) * (254 - len(headers))
    return struct.pack("<4sIIII", b"RpmP", 0, 1, 1, len(headers) + 1).ljust(32, b"\0") + slots + blobs


def berkeley(headers: list[bytes], order: str = "<", size: int = 4096) -> bytes:
    """One page of pairs, and chains of pages for values that do not fit."""
    meta = bytearray(size)
    items, chains = list[bytes](), list[bytes]()
    for number, header in enumerate([b"\x04\0\0\0", *headers]):
        items.append(b"\1" + struct.pack(order + "I", number))
        if len(header) < 100:
            items.append(b"\1" + header)
            continue
        items.append(b"\3\0\0\0" + struct.pack(order + "II", 2 + len(chains), len(header)))
        for at in range(0, len(header), size - 26):
            piece = header[at : at + size - 26]
            following = 3 + len(chains) if at + size - 26 < len(header) else 0
            page = struct.pack(order + "8xIIIHHBB", 2 + len(chains), 0, following, 0, len(piece), 0, 7)
            chains.append((page + piece).ljust(size, b"\0"))
    page, end, places = bytearray(size), size, list[int]()
    for item in items:
        end -= len(item)
        page[end : end + len(item)] = item
        places.append(end)
    page[:26] = struct.pack(order + "8xIIIHHBB", 1, 0, 0, len(items), end, 0, 13)
    page[26 : 26 + 2 * len(places)] = struct.pack(f"{order}{len(places)}H", *places)
    struct.pack_into(order + "8xIIII", meta, 0, 0, 0x061561, 9, size)
    meta[25] = 8
    struct.pack_into(order + "I", meta, 32, 1 + len(chains))
    return bytes(meta) + bytes(page) + b"".join(chains)


def names(file: str, content: bytes) -> list[str]:
    found = read_rpm(FOLDER + file, content)
    assert found is not None
    assert not found.unread
    return sorted(package.name for package in found.packages)


def test_a_header() -> None:
    assert package_of(rpm_header()) == OTHER
    own = package_of(rpm_header("hello-libs", t1002="4", t1044="hello-libs-1.2-3.el9.nosrc.rpm"))
    assert own is not None
    assert (own.source, own.version, own.source_version) == ("", "1.2-4", "1.2-3.el9")
    assert package_of(rpm_header("gpg-pubkey")) is None
    none = package_of(rpm_header(t1044="(none)", t1003="x"))
    assert none is not None
    assert (none.source, none.source_version, none.epoch) == ("", "", 0)


@pytest.mark.parametrize("content", [b"", b"x" * 8, b"\xff" * 64, struct.pack(">II", 65_537, 0) + bytes(2**21)])
def test_a_damaged_header(content: bytes) -> None:
    with pytest.raises((ValueError, struct.error)):
        package_of(content)


def test_sqlite(tmp_path: Path) -> None:
    assert names("rpmdb.sqlite", sqlite(tmp_path)) == NAMES


def test_ndb() -> None:
    assert names("Packages.db", ndb(HEADERS)) == NAMES


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("size", [512, 4096])
def test_berkeley_db(order: str, size: int) -> None:
    assert names("Packages", berkeley(HEADERS, order, size)) == NAMES


@pytest.mark.slow
def test_a_database_that_rpm_makes(tmp_path: Path) -> None:
    programs = need("rpm", "rpmbuild")
    (tmp_path / "a.spec").write_text(
        "Name: hello-libs\nVersion: 1.2\nRelease: 3.el9\nEpoch: 2\nSummary: x\nLicense: GPLv2+ and MIT\n"
        "BuildArch: noarch\n%description\nx\n%files\n%package -n other\nSummary: y\n%description -n other\nz\n"
        "%files -n other\n"
    )
    subprocess.run(
        [programs["rpmbuild"], "--quiet", "--define", f"_topdir {tmp_path}", "-bb", tmp_path / "a.spec"],
        check=True,
        capture_output=True,
    )
    packages = sorted(tmp_path.glob("RPMS/noarch/*.rpm"))
    database = ["--dbpath", str(tmp_path / "db"), "--define", "_db_backend sqlite"]
    subprocess.run(
        [programs["rpm"], *database, "--nodeps", "--justdb", "-i", *packages], check=True, capture_output=True
    )
    found = read_rpm(FOLDER + "rpmdb.sqlite", (tmp_path / "db" / "rpmdb.sqlite").read_bytes())
    assert found is not None
    assert OTHER in found.packages
    assert len(found.packages) == 2


@pytest.mark.slow
@pytest.mark.parametrize("size", [512, 4096, 65536])
def test_a_database_that_berkeley_db_makes(tmp_path: Path, size: int) -> None:
    load = need("db5.3_load")["db5.3_load"]
    headers = [*HEADERS, *(rpm_header(f"p{number}", number * 7) for number in range(300))]
    lines = ["VERSION=3", "format=bytevalue", "type=hash", f"db_pagesize={size}", "HEADER=END"]
    for number, header in enumerate([b"\x99", *headers]):
        lines += [" " + number.to_bytes(4, "little").hex(), " " + header.hex()]
    subprocess.run([load, tmp_path / "Packages"], input="\n".join([*lines, "DATA=END", ""]).encode(), check=True)
    assert names("Packages", (tmp_path / "Packages").read_bytes()) == sorted(
        [*NAMES, *(f"p{each}" for each in range(300))]
    )


def test_any_damage_is_told_or_harmless(tmp_path: Path) -> None:
    chance = random.Random(1)
    for content in (sqlite(tmp_path), ndb(HEADERS), berkeley(HEADERS), berkeley(HEADERS, ">", 512)):
        for _ in range(150):
            damaged = bytearray(content)
            for _ in range(chance.randrange(1, 4)):
                damaged[chance.randrange(min(len(damaged), 5_000))] = chance.randrange(256)
            read_rpm(FOLDER + "Packages", bytes(damaged))
            read_rpm(FOLDER + "Packages", bytes(damaged[: chance.randrange(len(damaged))]))


@pytest.mark.parametrize(
    "content", [b"x", b"RpmP", b"SQLite format 3\0", b"SQLite format 3\0" + bytes(600), bytes(4096)]
)
def test_what_is_no_database_is_told(content: bytes) -> None:
    found = read_rpm(FOLDER + "Packages", content)
    assert found is not None
    assert found.unread


def test_pages_that_go_in_a_circle() -> None:
    content = bytearray(berkeley([rpm_header("large", 20_000)]))
    first = 2 * 4096
    struct.pack_into("<I", content, first + 16, 2)
    struct.pack_into("<I", content, 4096 + struct.unpack_from("<H", content, 4096 + 26 + 6)[0] + 8, 2**31)
    found = read_rpm(FOLDER + "Packages", bytes(content))
    assert found is not None
    assert found.unread


def test_a_blob_that_many_slots_share() -> None:
    content = bytearray(ndb([rpm_header("large", 100_000)]))
    for slot in range(48, 4096, 16):
        content[slot : slot + 16] = content[32:48]
    found = read_rpm(FOLDER + "Packages.db", bytes(content))
    assert found is not None
    assert found.unread
    assert len(found.packages) < 4


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE other (x)",
        "CREATE VIEW Packages AS WITH RECURSIVE r(blob) AS (SELECT 1 UNION ALL SELECT blob FROM r) SELECT blob FROM r",
        "CREATE TABLE Packages (blob GENERATED ALWAYS AS (zeroblob(1000000000)), x)",
        "CREATE TABLE Packages (hnum)",
    ],
)
def test_a_database_of_sqlite_that_is_none_of_rpm(tmp_path: Path, statement: str) -> None:
    more = ("INSERT INTO Packages (x) VALUES (1)",) if "zeroblob" in statement else ()
    found = read_rpm(FOLDER + "rpmdb.sqlite", sqlite(tmp_path, statement, *more))
    assert found is not None
    assert found.unread


def test_a_log_that_is_not_in_the_database_yet_is_told() -> None:
    assert read_rpm(FOLDER + "rpmdb.sqlite-wal", b"") is None
    found = read_rpm(FOLDER + "rpmdb.sqlite-wal", b"x")
    assert found is not None
    assert found.unread
