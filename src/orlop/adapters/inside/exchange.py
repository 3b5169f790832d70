"""A process that is given a document and answers once, as whoever starts it sees it (adapters.confined: as it does)."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import suppress

import msgspec

from orlop.adapters.children import child
from orlop.domain.errors import Unavailable

#: Codes of a process that said nothing for a reason that is none of what it read: it did not start, or the system
#: killed it, short of memory.
OUTSIDE = frozenset({*range(1, 256), -signal.SIGKILL})


class Bounds(msgspec.Struct, frozen=True):
    """Seconds from its start to its answer, bytes that it is given, and bytes that are taken of it."""

    seconds: float
    given: int
    taken: int


async def exchange(module: str, content: AsyncIterator[bytes], bounds: Bounds) -> bytes:
    """What a process that runs a module says of a document; nothing where it came to a bound.

    Raises what reading `content` raises, and Unavailable where the document can be no reason for its end.
    """
    async with child(module) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        taking = asyncio.ensure_future(_taken(process.stdout, bounds.taken))
        try:
            async with asyncio.timeout(bounds.seconds):
                await _feed(process.stdin, content, bounds.given, taking)
                taken = await taking
                if taken is None:
                    return b""
                if not taken and await process.wait() in OUTSIDE:
                    raise Unavailable("the process that reads documents was ended by the system, or did not start")
                return taken
        except TimeoutError:
            return b""
        finally:
            taking.cancel()
            with suppress(asyncio.CancelledError):
                await taking


async def _feed(
    pipe: asyncio.StreamWriter, content: AsyncIterator[bytes], most: int, taking: "asyncio.Future[bytes | None]"
) -> None:
    """Give a process the document, until it has enough."""
    given = 0
    try:
        async for piece in content:
            if taking.done() or given > most:
                break
            given += len(piece)
            pipe.write(piece)
            try:
                await pipe.drain()
            except (BrokenPipeError, ConnectionResetError):
                break  # it has what it wants
    finally:
        pipe.close()


async def _taken(pipe: asyncio.StreamReader, most: int) -> bytes | None:
    """All that a process says; None where that is more than it may say."""
    taken = bytearray()
    while piece := await pipe.read(65_536):
        taken += piece
        if len(taken) > most:
            return None
    return bytes(taken)
