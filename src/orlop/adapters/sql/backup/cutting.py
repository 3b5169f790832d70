"""Cuts files into chunks, so that what did not change is cut alike."""

import asyncio
import zlib
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

#: Bytes of a chunk of a database file: whole pages, whose place does not change.
PAGES = 64 * 1024

#: Bytes that a chunk of lines has at least, and those beyond which it takes no other line.
_LEAST, _MOST = 64 * 1024, 1024 * 1024
#: A line whose CRC-32 ends in these bits is the last of its chunk: every 256th or so.
_BITS = 0xFF


async def pages(file: Path) -> AsyncGenerator[bytes, None]:
    """A database file."""
    with await asyncio.to_thread(file.open, "rb") as source:
        while content := await asyncio.to_thread(source.read, PAGES):
            yield content


async def lines(file: Path) -> AsyncGenerator[bytes, None]:
    """A file of lines, none of which is cut. Where it is cut depends on lines alone, so a new one moves one cut."""
    cut = _cut(file)
    while (content := await asyncio.to_thread(next, cut, None)) is not None:
        yield content


def _cut(file: Path) -> Iterator[bytes]:
    gathered: list[bytes] = []
    size = 0
    with file.open("rb") as source:
        for line in source:
            if gathered and size + len(line) > _MOST:
                yield b"".join(gathered)
                gathered, size = [], 0
            gathered.append(line)
            size += len(line)
            if size >= _LEAST and zlib.crc32(line) & _BITS == _BITS:
                yield b"".join(gathered)
                gathered, size = [], 0
    if gathered:
        yield b"".join(gathered)
