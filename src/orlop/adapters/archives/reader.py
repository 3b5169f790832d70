"""Starts a process for each archive, gives it the bytes, and takes what it answers in time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import msgspec

from orlop.adapters.archives.turns import FairTurns
from orlop.adapters.children import child
from orlop.ports.archives import ArchiveRefused, FoundText, Packing, WantedText

#: Bytes that go into a process and that are taken from it.
GIVEN, TAKEN = 32 * 1024 * 1024, 4 * 1024 * 1024
#: Seconds that a process has, from its start to its end.
DEADLINE = 10.0
#: Processes at once, how many may be waited for, and how many one asker may have and wait for; whoever comes then is
#: told to come again in so many seconds.
_AT_ONCE, _WAITING, EACH = 2, 16, 4
_AGAIN = 5


class _Answer(msgspec.Struct):
    texts: dict[str, FoundText] = {}
    refused: str = ""


class ProcessArchiveReader:
    """See ports.archives.ArchiveReader. `deadline` in seconds."""

    def __init__(self, deadline: float = DEADLINE) -> None:
        self._deadline = deadline
        self._turns = FairTurns(_AT_ONCE, _WAITING, EACH, _AGAIN)

    async def texts(
        self, content: AsyncIterator[bytes], packing: Packing, wanted: tuple[WantedText, ...], asker: str
    ) -> dict[str, FoundText]:
        """See ArchiveReader."""
        async with self._turns.turn(asker):
            return await self._read(content, packing, wanted)

    async def _read(
        self, content: AsyncIterator[bytes], packing: Packing, wanted: tuple[WantedText, ...]
    ) -> dict[str, FoundText]:
        named = (f"{each.name}:{each.depth}:{int(each.rendered)}" for each in wanted)
        async with child("orlop.adapters.archives.child", packing.value, *named) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                async with asyncio.timeout(self._deadline):
                    feeding = asyncio.ensure_future(_feed(process.stdin, content))
                    try:
                        taken = await _taken(process.stdout)
                    finally:
                        feeding.cancel()
                        with suppress(asyncio.CancelledError):
                            await feeding
            except TimeoutError as cause:
                raise ArchiveRefused(f"it takes longer than {self._deadline:.0f} seconds to read") from cause
        return _answer(taken)


async def _feed(pipe: asyncio.StreamWriter, content: AsyncIterator[bytes]) -> None:
    """Give a process the archive, until it has enough."""
    given = 0
    try:
        async for piece in content:
            given += len(piece)
            if given > GIVEN:
                break
            pipe.write(piece)
            try:
                await pipe.drain()
            except (BrokenPipeError, ConnectionResetError):
                break  # it has what it wants
    finally:
        pipe.close()


async def _taken(pipe: asyncio.StreamReader) -> bytes:
    """All that a process says. Raises ArchiveRefused beyond the bound."""
    taken = bytearray()
    while piece := await pipe.read(65_536):
        taken += piece
        if len(taken) > TAKEN:
            raise ArchiveRefused(f"more than {TAKEN >> 20} MiB of texts came out of it")
    return bytes(taken)


def _answer(taken: bytes) -> dict[str, FoundText]:
    """What the process said; nothing where it came to its end over a bound."""
    try:
        answer = msgspec.json.decode(taken, type=_Answer)
    except msgspec.MsgspecError as cause:
        raise ArchiveRefused("it takes more time or memory to read than an archive may have") from cause
    if answer.refused:
        raise ArchiveRefused(answer.refused)
    return answer.texts
