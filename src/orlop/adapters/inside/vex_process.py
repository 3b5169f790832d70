"""Starts a process for each VEX document, gives it the bytes, and takes what it says."""

import asyncio

import msgspec

from orlop.adapters.children import child
from orlop.adapters.inside.vex_child import Read
from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.vex.statements import BYTES, VexDocument

#: Seconds that a process has, and bytes of its answer: what a document says is little more than the document.
DEADLINE, ANSWER = 60.0, 4 * BYTES

_read = msgspec.msgpack.Decoder(Read)


class ProcessVexReader:
    """See ports.vex.VexReader. `deadline` in seconds."""

    def __init__(self, deadline: float = DEADLINE) -> None:
        self._deadline = deadline

    async def read(self, content: bytes) -> VexDocument:
        """See VexReader."""
        if len(content) > BYTES:
            raise RequestInvalid(f"the VEX document has more than {BYTES >> 20} MiB")
        taken = b""
        async with child("orlop.adapters.inside.vex_child") as process:
            try:
                async with asyncio.timeout(self._deadline):
                    taken = await _exchange(process, content)
            except TimeoutError:
                pass
        try:
            read = _read.decode(taken)
        except msgspec.MsgspecError as error:
            raise RequestInvalid("the VEX document takes more time or memory to read than one may have") from error
        if read.document is None:
            raise RequestInvalid(read.refused)
        return read.document


async def _exchange(process: asyncio.subprocess.Process, content: bytes) -> bytes:
    """What the process answers; nothing where that is more than it may say."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(content)
        await process.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        pass  # it has what it wants
    finally:
        process.stdin.close()
    taken = bytearray()
    while piece := await process.stdout.read(65_536):
        taken += piece
        if len(taken) > ANSWER:
            return b""
    return bytes(taken)
