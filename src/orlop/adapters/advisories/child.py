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
from orlop.domain.inside.rows import AdvisoryRow, row_of

#: Bytes of address space, and seconds of a processor.
MEMORY, SECONDS = 2048 * 1024 * 1024, 1_800
#: What a batch holds at most, in entries and in bytes.
ENTRIES, SCORES, BYTES = 1_000, 20_000, 8 * 1024 * 1024
#: What one batch for the API holds at most, in bytes.
API_BYTES = 2 * 1024 * 1024
_NICE, _FILES = 10, 32
#: What is raised by what is damaged.
_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, csv.Error, EOFError, OSError, ValueError, OverflowError, RecursionError),
    *(NotImplementedError, struct.error),
)


class Batch:
    """What is gathered until it is given out."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self.refusals: list[tuple[str, str]] = []
        self.exploited: list[Any] = []
        self.scores: list[Any] = []
        self.size = 0

    def is_full(self, most: int) -> bool:
        """Whether nothing more goes in."""
        entries = len(self.rows) + len(self.refusals) + len(self.exploited)
        return entries >= ENTRIES or len(self.scores) >= SCORES or self.size >= most

    def is_empty(self) -> bool:
        """Whether there is nothing in it."""
        return not (self.rows or self.refusals or self.exploited or self.scores)


class _Reading(NamedTuple):
    """How records are given out: as rows, or as they are."""

    rows: bool
    most: int


def batches(found: Iterator[Found], reading: _Reading) -> Iterator[Batch]:
    """What is in a file, in batches; all records of one name are in one: what comes after it was given is refused."""
    batch, refused = Batch(), 0
    names: set[str] = set()
    given: set[str] = set()
    last = ""
    for one in found:
        if one.kind == "record":
            row, why = _row(one.value, given)
            if row is not None:
                if batch.is_full(reading.most) and row.name != last:
                    yield batch
                    given |= names
                    batch, names = Batch(), set()
                last = row.name
                names.add(last)
                batch.rows.append(row if reading.rows else msgspec.Raw(one.value))
                batch.size += _size(row) if reading.rows else len(one.value)
                continue
            one = Found("refused", one.where, why)
        if one.kind == "refused":
            refused += 1
            if refused <= REFUSALS:
                batch.refusals.append((one.where, one.value))
            continue
        (batch.exploited if one.kind == "exploited" else batch.scores).append(one.value)
        if batch.is_full(reading.most) and not batch.rows:
            yield batch
            batch = Batch()
    if not batch.is_empty():
        yield batch


def _row(record: bytes, given: set[str]) -> tuple[AdvisoryRow | None, str]:
    """A row, or why there is none."""
    try:
        row = row_of(record)
    except RequestInvalid as error:
        return None, error.message
    if row.name in given:
        return None, f"{row.name} is the id of another record, farther ahead in the file"
    return row, ""


def answers(file: IO[bytes], *, rows: bool) -> Iterator[bytes]:
    """All that is said of a file, at last that it was the last. Whatever the file is, nothing is raised."""
    refused = ""
    try:
        for batch in batches(found_in(file), _Reading(rows, BYTES if rows else API_BYTES)):
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


def _size(row: AdvisoryRow) -> int:
    return len(row.body) + sum(len(package.entry) for package in row.packages)


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
