"""The process that reads one file of advisories: `python -m orlop.adapters.advisories.child rows|records`.

The file is standard input, which can be sought in. Batches go to standard output, each a length of four bytes and as
many bytes of MessagePack; the last one says that it is the last. Whoever starts it kills it when it takes too long.
"""

import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from orlop.adapters.advisories.files import REFUSALS, Beyond, Found, found_in
from orlop.adapters.confined import confine
from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.rows import row_of

#: Bytes of address space, and seconds of a processor.
MEMORY, SECONDS = 2048 * 1024 * 1024, 1_800
#: What a batch holds at most, in entries and in bytes.
ENTRIES, SCORES, BYTES = 1_000, 20_000, 8 * 1024 * 1024
#: What one batch for the API holds at most, in bytes.
API_BYTES = 2 * 1024 * 1024
_NICE, _FILES = 10, 32


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
    """What is in a file, in batches; all records of one name are in one."""
    batch, last, refused = Batch(), "", 0
    for one in found:
        if one.kind == "record":
            try:
                row = row_of(one.value)
            except RequestInvalid as error:
                one = Found("refused", one.where, error.message)
            else:
                if batch.is_full(reading.most) and row.name != last:
                    yield batch
                    batch = Batch()
                last = row.name
                batch.rows.append(row if reading.rows else msgspec.Raw(one.value))
                batch.size += len(row.body) if reading.rows else len(one.value)
                continue
        if one.kind == "refused":
            refused += 1
            if refused <= REFUSALS:
                batch.refusals.append((one.where, one.value))
        elif one.kind == "exploited":
            batch.exploited.append(one.value)
        elif one.kind == "score":
            batch.scores.append(one.value)
        if batch.is_full(reading.most):
            yield batch
            batch, last = Batch(), ""
    if not batch.is_empty():
        yield batch


def main(arguments: list[str]) -> None:
    """Give out what is in standard input."""
    confine(MEMORY, SECONDS, _FILES, _NICE)
    rows = arguments[0] == "rows"
    refused = ""
    try:
        for batch in batches(found_in(sys.stdin.buffer), _Reading(rows, BYTES if rows else API_BYTES)):
            _give(_packed(batch, rows=rows))
    except Beyond as beyond:
        refused = str(beyond)
    except MemoryError:
        refused = f"it takes more than {MEMORY >> 20} MiB of memory to read"
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, OverflowError, RecursionError):
        refused = "it is damaged, or no file of advisories"
    _give(msgspec.msgpack.encode({"last": True, "refused": refused}))
    sys.stdout.flush()


def _packed(batch: Batch, *, rows: bool) -> bytes:
    if rows:
        return msgspec.msgpack.encode(
            {
                "rows": batch.rows,
                "refusals": [{"where": where, "why": why} for where, why in batch.refusals],
                "exploited": [
                    dict(zip(("cve", "added", "due", "ransomware"), one, strict=True)) for one in batch.exploited
                ],
                "scores": [dict(zip(("cve", "score", "percentile"), one, strict=True)) for one in batch.scores],
            }
        )
    body = msgspec.json.encode(
        {"records": batch.rows, "exploited": batch.exploited, "scores": batch.scores, "refused": batch.refusals}
    )
    return msgspec.msgpack.encode({"body": body, "refusals": batch.refusals})


def _give(packed: bytes) -> None:
    sys.stdout.buffer.write(struct.pack(">I", len(packed)) + packed)


if __name__ == "__main__":
    main(sys.argv[1:])
