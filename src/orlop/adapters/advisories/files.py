"""What is in a file of advisories: records of OSV, the catalogue of KEV, or the list of EPSS.

Read as a stream, in bounds, and never written anywhere. What is wrong with one record does not stop the others.
"""

import csv
import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

import msgspec

from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.rows import exploited_of, score_of

#: Bytes of one record and of one that is alone in its file, of everything that is read, and what a byte unpacks to.
RECORD, DOCUMENT, UNPACKED = 16 * 1024 * 1024, 64 * 1024 * 1024, 16 * 1024 * 1024 * 1024
RATIO, RATIO_FROM = 200, 16 * 1024 * 1024
#: Records of one file, those of a name that it holds more than once, and reasons that are told.
RECORDS, REPEATED, REFUSALS = 2_000_000, 20_000, 10_000


class _Named(msgspec.Struct):
    """As much of a record as says which one it is."""

    id: str = ""


_named = msgspec.json.Decoder(_Named)


class Beyond(Exception):
    """The file is beyond a bound, or none of these; the message says which."""


class Found(NamedTuple):
    """One thing in a file. `kind`: record, refused, exploited or score; `where` it stands."""

    kind: str
    where: str
    value: Any


def found_in(file: IO[bytes]) -> Iterator[Found]:
    """Everything in a file that can be sought in. Raises Beyond, and what zipfile, gzip and json raise."""
    head = file.read(4)
    file.seek(0)
    if head.startswith(b"PK"):
        yield from _archive(file)
    elif head.startswith(b"\x1f\x8b"):
        yield from _plain(lambda: _Bounded(gzip.GzipFile(fileobj=file), _size(file)), file)
    elif head == b"\x28\xb5\x2f\xfd":
        raise Beyond("it is compressed by zstd: unpack it first")
    else:
        yield from _plain(lambda: _Bounded(file, 0), file)


def _size(file: IO[bytes]) -> int:
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    return size


class _Bounded(io.RawIOBase):
    """What comes out of a stream, as far as the bounds allow; `packed`: bytes of what it is unpacked from, 0: none."""

    def __init__(self, source: Any, packed: int) -> None:
        self._source = source
        self._packed = packed
        self._given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._source.read(len(buffer))
        buffer[: len(piece)] = piece
        self._given += len(piece)
        if self._given > UNPACKED:
            raise Beyond(f"it holds more than the {UNPACKED >> 30} GiB that are read")
        if self._packed and self._given > max(RATIO_FROM, RATIO * self._packed):
            raise Beyond(f"it unpacks to more than {RATIO} times its size")
        return len(piece)


# --- Archives -----------------------------------------------------------------------------------------------------


def _archive(file: IO[bytes]) -> Iterator[Found]:
    """Records in members whose names end with `.json`, and lines in those of `.jsonl`, `.ndjson` and `.csv`."""
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if len(members) > RECORDS:
            raise Beyond(f"it has more than the {RECORDS:,} members that are read")
        total = sum(member.file_size for member in members)
        if total > UNPACKED:
            raise Beyond(f"it says that it holds more than the {UNPACKED >> 30} GiB that are read")
        repeated = _Repeated()
        for member in members:
            name = member.filename.lower()
            if member.is_dir() or not name.endswith(".json"):
                continue
            where = member.filename[-200:]
            if member.flag_bits & 1:
                yield Found("refused", where, "it is encrypted")
                continue
            if member.file_size > max(RATIO_FROM, RATIO * max(member.compress_size, 1)):
                yield Found("refused", where, f"it unpacks to more than {RATIO} times its size")
                continue
            try:
                with archive.open(member) as opened:
                    content = opened.read(DOCUMENT + 1)
            except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
                yield Found("refused", where, f"it cannot be unpacked: {error}"[:200])
                continue
            yield from repeated.each(_document(where, content))
        yield from repeated.rest()


# --- Documents and lines ------------------------------------------------------------------------------------------


def _plain(opened: Any, file: IO[bytes]) -> Iterator[Found]:
    """What is not an archive: lines of JSON, one document, or a table."""
    lines = io.BufferedReader(opened(), 1 << 20)
    first = lines.readline(RECORD + 1)
    while first and not first.strip():
        first = lines.readline(RECORD + 1)
    if not first:
        raise Beyond("it is empty")
    if first.startswith((b"#model_version", b"cve,")):
        yield from _scores(io.TextIOWrapper(_again(file, opened), "utf-8", "replace", newline=""))
        return
    if _is_whole(first):
        repeated = _Repeated(_twice(_again(file, opened)))
        yield from repeated.each(_lines(_again(file, opened)))
        yield from repeated.rest()
        return
    content = _again(file, opened).read(DOCUMENT + 1)
    yield from _document("the file", content)


def _again(file: IO[bytes], opened: Any) -> io.BufferedReader:
    file.seek(0)
    return io.BufferedReader(opened(), 1 << 20)


def _is_whole(line: bytes) -> bool:
    """Whether a line is one value of JSON, as those of JSON lines are."""
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _lines(lines: io.BufferedReader) -> Iterator[Found]:
    number = 0
    while line := lines.readline(RECORD + 1):
        number += 1
        if number > RECORDS:
            raise Beyond(f"it has more than the {RECORDS:,} lines that are read")
        if len(line) > RECORD:
            while line and not line.endswith(b"\n"):
                line = lines.readline(RECORD)
            yield Found("refused", f"line {number}", f"it is larger than the {RECORD >> 20} MiB that a record may have")
        elif line.strip():
            yield from _document(f"line {number}", line)


def _document(where: str, content: bytes) -> Iterator[Found]:
    """One record, a list of them, or the catalogue of KEV."""
    if len(content) > DOCUMENT:
        yield Found("refused", where, f"it is larger than the {DOCUMENT >> 20} MiB that a document may have")
        return
    start = content.lstrip()[:1]
    if start == b"[":
        try:
            values = json.loads(content)
        except (ValueError, RecursionError):
            yield Found("refused", where, "it is not JSON")
            return
        for number, value in enumerate(values):
            yield Found("record", f"{where}, entry {number + 1}", json.dumps(value).encode())
        return
    if b'"vulnerabilities"' in content and b'"cveID"' in content:
        yield from _exploited(where, content)
        return
    if len(content) > RECORD:
        yield Found("refused", where, f"it is larger than the {RECORD >> 20} MiB that a record may have")
        return
    yield Found("record", where, content)


def _exploited(where: str, content: bytes) -> Iterator[Found]:
    """The catalogue of known exploited vulnerabilities (cisa.gov, schema of known_exploited_vulnerabilities.json)."""
    try:
        entries = json.loads(content)["vulnerabilities"]
    except (ValueError, RecursionError, KeyError, TypeError):
        yield Found("refused", where, "it is not JSON")
        return
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        try:
            ransomware = entry.get("knownRansomwareCampaignUse") == "Known"
            days = str(entry.get("dateAdded", "")), str(entry.get("dueDate", ""))
            one = exploited_of(str(entry["cveID"]), *days, ransomware)
        except (KeyError, TypeError, AttributeError):
            yield Found("refused", f"{where}, entry {number + 1}", "it has no cveID")
        except RequestInvalid as error:
            yield Found("refused", f"{where}, entry {number + 1}", error.message)
        else:
            yield Found("exploited", where, one)


def _scores(text: Iterator[str]) -> Iterator[Found]:
    """The list of EPSS (first.org): `cve,epss,percentile` behind a comment with the version of its model."""
    for number, row in enumerate(csv.reader(text)):
        if number > RECORDS:
            raise Beyond(f"it has more than the {RECORDS:,} lines that are read")
        if not row or row[0].startswith("#") or row[0] == "cve":
            continue
        try:
            one = score_of(row[0], float(row[1]), float(row[2]))
        except (IndexError, ValueError):
            yield Found("refused", f"line {number + 1}", "it is not cve,epss,percentile")
        except RequestInvalid as error:
            yield Found("refused", f"line {number + 1}", error.message)
        else:
            yield Found("score", f"line {number + 1}", one)


# --- Names that come more than once -------------------------------------------------------------------------------


def _name(content: bytes) -> str:
    try:
        return _named.decode(content).id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""


def _twice(lines: io.BufferedReader) -> frozenset[str]:
    """Names that several lines have."""
    seen: set[str] = set()
    twice: set[str] = set()
    for one in _lines(lines):
        if one.kind == "record":
            name = _name(one.value)
            (twice if name in seen else seen).add(name)
    return frozenset(twice)


class _Repeated:
    """Holds back records whose names come more than once: what is stored of a name is stored together."""

    def __init__(self, names: frozenset[str] = frozenset()) -> None:
        self._names = names
        self._held: list[tuple[str, Found]] = []

    def each(self, found: Iterator[Found]) -> Iterator[Found]:
        """All but those."""
        for one in found:
            name = _name(one.value) if one.kind == "record" and self._names else ""
            if name not in self._names or not name:
                yield one
            elif len(self._held) < REPEATED:
                self._held.append((name, one))
            else:
                yield Found("refused", one.where, "too many names of this file come more than once")

    def rest(self) -> Iterator[Found]:
        """Those, by name."""
        for _, one in sorted(self._held, key=lambda held: held[0]):
            yield one
