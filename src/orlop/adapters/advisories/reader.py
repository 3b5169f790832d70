"""Starts a process for each file of advisories, and takes its batches as they come."""

import asyncio
import shutil
import struct
from collections.abc import AsyncGenerator
from contextlib import aclosing
from io import BytesIO
from tempfile import TemporaryFile
from typing import IO

import msgspec

from orlop.adapters.children import child
from orlop.domain.inside.rows import AdvisoryRow, Exploited, ExploitScore, Refusal
from orlop.ports.advisories import ImportRefused, ReadBatch, RecordsBatch

#: Seconds that a process has for its next batch, and bytes of one.
DEADLINE, TAKEN = 120.0, 96 * 1024 * 1024


class _Said(msgspec.Struct):
    rows: tuple[AdvisoryRow, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    exploited: tuple[Exploited, ...] = ()
    scores: tuple[ExploitScore, ...] = ()
    last: bool = False
    refused: str = ""


class _SaidRecords(msgspec.Struct):
    body: bytes = b""
    refusals: tuple[tuple[str, str], ...] = ()
    last: bool = False
    refused: str = ""


_said = msgspec.msgpack.Decoder(_Said)
_said_records = msgspec.msgpack.Decoder(_SaidRecords)


class ProcessAdvisoryReader:
    """See ports.advisories.AdvisoryReader. `deadline` in seconds."""

    def __init__(self, deadline: float = DEADLINE) -> None:
        self._deadline = deadline

    async def read(self, file: IO[bytes]) -> AsyncGenerator[ReadBatch, None]:
        """See AdvisoryReader."""
        async with aclosing(self._batches(file, "rows")) as batches:
            async for packed in batches:
                said = _said.decode(packed)
                if said.last:
                    _check(said.refused)
                    return
                yield ReadBatch(rows=said.rows, refusals=said.refusals, exploited=said.exploited, scores=said.scores)
        raise ImportRefused("it takes more time or memory to read than a file of advisories may")

    async def records(self, file: IO[bytes]) -> AsyncGenerator[RecordsBatch, None]:
        """See AdvisoryReader."""
        async with aclosing(self._batches(file, "records")) as batches:
            async for packed in batches:
                said = _said_records.decode(packed)
                if said.last:
                    _check(said.refused)
                    return
                yield RecordsBatch(said.body, tuple(Refusal(*each) for each in said.refusals))
        raise ImportRefused("it takes more time or memory to read than a file of advisories may")

    async def _batches(self, file: IO[bytes], what: str) -> AsyncGenerator[bytes, None]:
        with TemporaryFile() as copied:
            # What a process reads has to be a file of the system.
            given = await asyncio.to_thread(_copied, file, copied) if isinstance(file, BytesIO) else file
            async with aclosing(self._of(given, what)) as batches:
                async for packed in batches:
                    yield packed

    async def _of(self, file: IO[bytes], what: str) -> AsyncGenerator[bytes, None]:
        async with child("orlop.adapters.advisories.child", what, given=file) as process:
            assert process.stdout is not None
            while True:
                try:
                    async with asyncio.timeout(self._deadline):
                        head = await process.stdout.readexactly(4)
                        (length,) = struct.unpack(">I", head)
                        if length > TAKEN:
                            raise ImportRefused("more came out of it at once than is taken")
                        packed = await process.stdout.readexactly(length)
                except asyncio.IncompleteReadError:
                    return
                except TimeoutError as cause:
                    raise ImportRefused(f"nothing came out of it for {self._deadline:.0f} seconds") from cause
                yield packed


def _copied(source: IO[bytes], target: IO[bytes]) -> IO[bytes]:
    shutil.copyfileobj(source, target)
    target.seek(0)
    return target


def _check(refused: str) -> None:
    if refused:
        raise ImportRefused(refused)
