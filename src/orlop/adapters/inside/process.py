"""Starts a process for each layer, gives it the bytes, and takes what it says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import msgspec

from orlop.adapters.children import Child, child
from orlop.adapters.inside.bounds import ANSWER, STALLED
from orlop.adapters.inside.exchange import OUTSIDE
from orlop.domain.errors import Unavailable
from orlop.domain.inside.layers import LayerFacts
from orlop.ports.inside import LayerPacking

#: Processes at once.
_AT_ONCE = 2
#: Seconds of a processor that a process had at least while it stalled. It runs when nobody else does: where it could
#: not run, that says nothing of the layer.
_RAN = 0.5
_UNKNOWN = "it is no layer of files, or packed in a way that is not read"
#: In place of an answer; it is nothing in MessagePack.
_TOO_MUCH = b"\xc1"
_ENDED = "it takes more time or memory to read than a layer may have"


class ProcessLayerReader:
    """See ports.inside.LayerReader. `stalled`: seconds in which a process has to go on."""

    def __init__(self, stalled: float = STALLED) -> None:
        self._stalled = stalled
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def facts(self, content: AsyncIterator[bytes], packing: LayerPacking) -> LayerFacts:
        """See LayerReader."""
        async with self._turns:
            told = await self._read(content)
        if packing is LayerPacking.UNKNOWN and told.unread and not told.files:
            return LayerFacts(unread=_UNKNOWN)
        return told

    async def _read(self, content: AsyncIterator[bytes]) -> LayerFacts:
        async with child("orlop.adapters.inside.child", behind=True) as process:
            taking = asyncio.ensure_future(_taken(process.stdout))
            try:
                if not await self._feed(process, content, taking):
                    return LayerFacts(unread=_ENDED)
                ran = process.seconds()
                done, _ = await asyncio.wait({taking}, timeout=self._stalled)
                taken = taking.result() if done else b""
                if not done:
                    _had_its_time(process, ran)
                if not taken and done and await process.wait() in OUTSIDE:
                    raise Unavailable("the process that reads layers was ended by the system, or did not start")
                return _facts(taken)
            finally:
                taking.cancel()
                with suppress(asyncio.CancelledError):
                    await taking

    async def _feed(self, process: Child, content: AsyncIterator[bytes], taking: "asyncio.Future[bytes]") -> bool:
        """Give a process the layer, until it has enough; False if it stalls. Raises what reading the layer raises."""
        pipe = process.stdin
        assert pipe is not None
        try:
            async for piece in content:
                if taking.done():
                    break
                ran = process.seconds()
                pipe.write(piece)
                try:
                    async with asyncio.timeout(self._stalled):
                        await pipe.drain()
                except TimeoutError:
                    _had_its_time(process, ran)
                    return False
                except (BrokenPipeError, ConnectionResetError):
                    break  # it has what it wants
                await asyncio.sleep(0)  # a pipe that takes it at once would leave nobody else a turn
        finally:
            pipe.close()
        return True


def _had_its_time(process: Child, ran: float) -> None:
    """Raises Unavailable where a process that had `ran` seconds before it stalled had next to none since."""
    if process.returncode is None and process.seconds() - ran < _RAN:
        raise Unavailable("the machine has no time for the process that reads layers")


async def _taken(pipe: asyncio.StreamReader) -> bytes:
    """All that a process says; nothing where that is more than it may say."""
    taken = bytearray()
    while piece := await pipe.read(65_536):
        taken += piece
        if len(taken) > ANSWER:
            return _TOO_MUCH
    return bytes(taken)


def _facts(taken: bytes) -> LayerFacts:
    """What the process said; nothing where it came to its end over a bound."""
    try:
        return msgspec.msgpack.decode(taken, type=LayerFacts)
    except msgspec.MsgspecError:
        return LayerFacts(unread=_ENDED)
