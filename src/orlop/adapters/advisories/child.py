"""The process that reads one file of advisories: `python -m orlop.adapters.advisories.child rows|records`.

The file is standard input, which can be sought in. Batches go to standard output, each a length of four bytes and as
many bytes of MessagePack; the last one says that it is the last. Whoever starts it kills it when it takes too long.
"""

import csv
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

import msgspec

from orlop.adapters.advisories.files import REFUSALS, Beyond, Found, found_in
from orlop.adapters.confined import confine
from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.osv import parse
from orlop.domain.inside.rows import row_of

#: Bytes of address space, and seconds of a processor.
MEMORY, SECONDS = 2048 * 1024 * 1024, 1_800
#: What a batch holds at most, in entries and in bytes.
ENTRIES, SCORES, BYTES = 1_000, 20_000, 8 * 1024 * 1024
#: What one batch for the API holds at most: each costs a process there, and a larger body holds others up.
API_ENTRIES, API_BYTES = 4_000, 2 * 1024 * 1024
_NICE, _FILES = 10, 32
#: What is raised by what is damaged.
_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, csv.Error, EOFError, OSError, ValueError, OverflowError, RecursionError),
    *(NotImplementedError, struct.error),
)


class _Reading(NamedTuple):
    """How records are given out: as rows, or as they are; how many entries and bytes at a time."""

    rows: bool
    entries: int
    most: int


_ROWS, _RECORDS = _Reading(True, ENTRIES, BYTES), _Reading(False, API_ENTRIES, API_BYTES)


class Batch:
    """What is gathered until it is given out."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self.refusals: list[tuple[str, str]] = []
        self.exploited: list[Any] = []
        self.scores: list[Any] = []
        self.size = 0

    def is_full(self, reading: _Reading) -> bool:
        """Whether nothing more goes in."""
        entries = len(self.rows) + len(self.refusals) + len(self.exploited)
        return entries >= reading.entries or len(self.scores) >= SCORES or self.size >= reading.most

    def is_empty(self) -> bool:
        """Whether there is nothing in it."""
        return not (self.rows or self.refusals or self.exploited or self.scores)


class _Read(NamedTuple):
    """A record that is good: its name, what is given out of it, and how many bytes that has."""

    name: str
    given: Any
    size: int


def batches(found: Iterator[Found], reading: _Reading) -> Iterator[Batch]:
    """What is in a file, in batches; all records of one name are in one: what comes after it was given is refused."""
    batch, refused = Batch(), 0
    names: set[str] = set()
    given: set[str] = set()
    last = ""
    for one in found:
        if one.kind == "record":
            read = _read(one.value, given, reading)
            if not isinstance(read, str):
                if batch.is_full(reading) and read.name != last:
                    yield batch
                    given |= names
                    batch, names = Batch(), set()
                last = read.name
                names.add(last)
                batch.rows.append(read.given)
                batch.size += read.size
                continue
            one = Found("refused", one.where, read)
        if one.kind == "refused":
            refused += 1
            if refused <= REFUSALS:
                batch.refusals.append((one.where, one.value))
            continue
        (batch.exploited if one.kind == "exploited" else batch.scores).append(one.value)
        if batch.is_full(reading) and not batch.rows:
            yield batch
            batch = Batch()
    if not batch.is_empty():
        yield batch


def _read(record: bytes, given: set[str], reading: _Reading) -> _Read | str:
    """A record, or why it is not taken. Whoever takes it as it is makes the row."""
    try:
        if reading.rows:
            row = row_of(record)
            read = _Read(row.name, row, len(row.body) + sum(len(package.entry) for package in row.packages))
        else:
            read = _Read(parse(record).id, msgspec.Raw(record), len(record))
    except RequestInvalid as error:
        return error.message
    return f"{read.name} is the id of another record, farther ahead in the file" if read.name in given else read


def answers(file: IO[bytes], *, rows: bool) -> Iterator[bytes]:
    """All that is said of a file, at last that it was the last. Whatever the file is, nothing is raised."""
    refused = ""
    try:
        for batch in batches(found_in(file), _ROWS if rows else _RECORDS):
            yield _packed(batch, rows=rows)
    except Beyond as beyond:
        refused = str(beyond)
    except MemoryError:
        refused = f"it takes more than {MEMORY >> 20} MiB of memory to read"
    except _DAMAGED:
        refused = "it is damaged, or no file of advisories"
    yield msgspec.msgpack.encode({"last": True, "refused": refused})


def main(arguments: list[str]) -> None:
    """Give out what is in standard input."""
    confine(MEMORY, SECONDS, _FILES, _NICE)
    for packed in answers(sys.stdin.buffer, rows=arguments[0] == "rows"):
        sys.stdout.buffer.write(struct.pack(">I", len(packed)) + packed)
    sys.stdout.flush()


def _packed(batch: Batch, *, rows: bool) -> bytes:
    if rows:
        return msgspec.msgpack.encode(
            {
                "rows": batch.rows,
                "refusals": [{"where": where, "why": why} for where, why in batch.refusals],
                "exploited": batch.exploited,
                "scores": batch.scores,
            }
        )
    body = msgspec.json.encode(
        {
            "records": batch.rows,
            "exploited": [msgspec.structs.astuple(one) for one in batch.exploited],
            "scores": [msgspec.structs.astuple(one) for one in batch.scores],
            "refused": batch.refusals,
        }
    )
    return msgspec.msgpack.encode({"body": body, "refusals": batch.refusals})


if __name__ == "__main__":
    main(sys.argv[1:])
