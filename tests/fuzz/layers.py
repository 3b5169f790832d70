"""Layers, and files of distributions that list packages, by the reader that reads them, for fuzzing."""

import gzip
import struct
import tarfile
from functools import partial

import apsw
import msgspec

from orlop.adapters.inside.bounds import Bounds
from orlop.adapters.inside.layer import HASHED, Layer
from orlop.adapters.inside.readers import READERS
from orlop.adapters.inside.unpacking import Unpacked
from orlop.domain.inside.layers import Found, LayerFacts
from tests.unit.inside.streams import entry, folder, giver, hard_link, header, pax, record, symlink, tarred

_BOUNDS = Bounds(members=1_000, unpacked=16 << 20, ratio=1_100, ratio_from=1 << 20, pieces=100, facts=1 << 20)


def _rpm_header() -> bytes:
    data, entries = b"a\x001\x002\x00a-1-2.src.rpm\x00", b""
    for tag, offset in ((1000, 0), (1001, 2), (1002, 4), (1044, 6)):
        entries += struct.pack(">IIiI", tag, 6, offset, 1)
    return struct.pack(">II", 4, len(data)) + entries + data


def _sqlite() -> bytes:
    connection = apsw.Connection(":memory:")
    connection.pragma("page_size", 512)
    connection.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB)")
    connection.execute("INSERT INTO Packages VALUES (1, ?)", (_rpm_header(),))
    content = bytes(connection.serialize("main"))
    connection.close()
    return content


def _ndb() -> bytes:
    blob = struct.pack("<4sIII", b"BlbS", 1, 0, len(_rpm_header())) + _rpm_header()
    slots = struct.pack("<4sIII", b"Slot", 1, 256, 9) + struct.pack("<4sIII", b"Slot", 0, 0, 0) * 253
    return struct.pack("<4sIIII", b"RpmP", 0, 1, 1, 2).ljust(32, b"\0") + slots + blob


def _berkeley() -> bytes:
    meta, page = bytearray(512), bytearray(512)
    struct.pack_into("<8xIIII", meta, 0, 0, 0x061561, 9, 512)
    struct.pack_into("<I", meta, 32, 2)
    value = _rpm_header()
    struct.pack_into("<8xIIIHHBB2H", page, 0, 1, 0, 0, 2, 495, 0, 13, 507, 495)
    page[507:512] = b"\1\1\0\0\0"
    page[495:507] = struct.pack("<BxxxII", 3, 2, len(value))
    chain = struct.pack("<8xIIIHHBB", 2, 0, 0, 0, len(value), 0, 7) + value
    return bytes(meta) + bytes(page) + chain.ljust(512, b"\0")


_STATUS = b"Package: a\nStatus: install ok installed\nVersion: 1-1\nSource: b (2)\nArchitecture: amd64\n\nPackage: c\n"
_RELEASE = b'ID=debian\nPRETTY_NAME="Debian \\"x\\""\nID_LIKE=\'a b\'\n'

#: Paths and contents by the names of the readers.
SEEDS: dict[str, tuple[tuple[str, bytes], ...]] = {
    "dpkg": (("var/lib/dpkg/status", _STATUS), ("var/lib/dpkg/status.d/a", b"Package: a\nVersion: 1\n")),
    "debian-copyright": (
        ("usr/share/doc/a/copyright", b"Format: x\n\nFiles: *\nLicense: GPL-2+ or Artistic\n text\n"),
        ("usr/share/doc/a/copyright", b"see /usr/share/common-licenses/GPL-2. License: MIT"),
    ),
    "apk": (("lib/apk/db/installed", b"P:a\nV:1-r0\nA:x86_64\nL:MIT\no:b\nF:usr\n\nP:c\nV:2\n"),),
    "os-release": (("etc/os-release", _RELEASE),),
    "rpm": (
        ("var/lib/rpm/rpmdb.sqlite", _sqlite()),
        ("var/lib/rpm/Packages.db", _ndb()),
        ("var/lib/rpm/Packages", _berkeley()),
    ),
}

_SPARSE = pax(
    record("GNU.sparse.size", "8"), record("GNU.sparse.name", "etc/os-release"), record("GNU.sparse.map", "0,4")
)
_OLD_SPARSE = header(b"a", b"4", b"S", magic=b"ustar  \0", sparse=b"0\0".ljust(12, b"\0") + b"4", whole=b"10")
LAYERS = (
    tarred(folder("a"), entry("etc/os-release", _RELEASE), symlink("b", "a"), hard_link("etc/c", "etc/os-release")),
    tarred(entry("a" * 120, _STATUS), entry("a/.wh.b"), written_as=tarfile.GNU_FORMAT),
    gzip.compress(tarred(entry("var/lib/dpkg/status", _STATUS)), mtime=0),
    _SPARSE + header(b"x", b"4") + b"ID=a" + bytes(508 + 1024),
    _OLD_SPARSE + b"abcd" + bytes(508 + 1024),
)

_READERS = {reader.name: reader for reader in READERS}


def read_file(name: str, given: bytes) -> None:
    """Read as every file that a reader knows; whatever comes of it can be kept."""
    for path in {path for path, _ in SEEDS[name]}:
        assert _READERS[name].wants(path, 0o644, 1)
        found = _READERS[name].read(path, given)
        if found is not None:
            assert (found.path, found.reader) == (path, name)
            assert all(each.name.isprintable() and each.name and each.version for each in found.packages)
            assert msgspec.json.decode(msgspec.json.encode(found), type=Found) == found


def _mended(given: bytes) -> bytes:
    """With right sums in headers, without which nothing of a header is looked at."""
    mended = bytearray(given)
    for at in range(0, len(given) - 511, 512):
        if given[at + 257 : at + 262] == b"ustar":
            mended[at + 148 : at + 156] = b"        "
            mended[at + 148 : at + 156] = b"%06o\0 " % sum(mended[at : at + 512])
    return bytes(mended)


def read_layer(given: bytes) -> None:
    """Read as a layer; whatever comes of it can be kept, and leads nowhere."""
    for each in {given, _mended(given)}:
        _read_layer(each)


def _read_layer(given: bytes) -> None:
    layer = Layer(READERS, _BOUNDS)
    facts = layer.facts(layer.read(Unpacked(giver(given, 1_000), _BOUNDS)))
    assert len(facts.names) == HASHED * facts.files
    paths = [*facts.removed, *facts.emptied, *(found.path for found in facts.found)]
    assert not any(part in {"", ".", ".."} for path in paths if path for part in path.split("/"))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(facts), type=LayerFacts) == facts


#: What to call with bytes and what to begin with, by the names of targets.
PARSERS = {
    "layer": (read_layer, LAYERS),
    **{
        f"packages-{name}": (partial(read_file, name), tuple(each for _, each in seeds))
        for name, seeds in SEEDS.items()
    },
}
