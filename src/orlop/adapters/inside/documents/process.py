"""Starts a process for each SBOM, gives it the bytes, and takes what it says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import msgspec

from orlop.adapters.children import child
from orlop.adapters.inside.documents.bounds import ANSWER, DEADLINE
from orlop.domain.errors import Unavailable
from orlop.domain.inside.layers import LayerFacts
from orlop.ports.inside import DOCUMENT_BYTES

#: Processes at once.
_AT_ONCE = 1
_ENDED = "it takes more time or memory to read than an SBOM may have"


class ProcessDocumentReader:
    """See ports.inside.DocumentReader. `deadline` in seconds."""

    def __init__(self, deadline: float = DEADLINE) -> None:
        self._deadline = deadline
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def facts(self, content: AsyncIterator[bytes]) -> LayerFacts:
        """See DocumentReader."""
        async with self._turns, child("orlop.adapters.inside.documents.child") as process:
            assert process.stdin is not None
            assert process.stdout is not None
            taking = asyncio.ensure_future(_taken(process.stdout))
            try:
                async with asyncio.timeout(self._deadline):
                    await _feed(process.stdin, content, taking)
                    taken = await taking
                    if not taken and await process.wait() != 0:
                        raise Unavailable("the process that reads SBOMs was ended by the system, or did not start")
            except TimeoutError:
                return LayerFacts(unread=_ENDED)
            finally:
                taking.cancel()
                with suppress(asyncio.CancelledError):
                    await taking
        try:
            return msgspec.msgpack.decode(taken, type=LayerFacts)
        except msgspec.MsgspecError:
            return LayerFacts(unread=_ENDED)


async def _feed(pipe: asyncio.StreamWriter, content: AsyncIterator[bytes], taking: "asyncio.Future[bytes]") -> None:
    """Give a process the document, until it has enough."""
    given = 0
    try:
        async for piece in content:
            if taking.done() or given > DOCUMENT_BYTES:
                break
            given += len(piece)
            pipe.write(piece)
            try:
                await pipe.drain()
            except (BrokenPipeError, ConnectionResetError):
                break  # it has what it wants
    finally:
        pipe.close()


async def _taken(pipe: asyncio.StreamReader) -> bytes:
    """All that a process says; nothing that can be read where that is more than it may say."""
    taken = bytearray()
    while piece := await pipe.read(65_536):
        taken += piece
        if len(taken) > ANSWER:
            return b"\xc1"
    return bytes(taken)
