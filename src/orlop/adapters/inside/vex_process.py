"""Starts a process for each VEX document, gives it the bytes, and takes what it says."""

from collections.abc import AsyncIterator

import msgspec

from orlop.adapters.inside.exchange import Bounds, exchange
from orlop.adapters.inside.vex_child import Read
from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.vex.statements import BYTES, VexDocument

#: Seconds that a process has, and bytes of its answer: what a document says is little more than the document.
DEADLINE, ANSWER = 60.0, 4 * BYTES

_read = msgspec.msgpack.Decoder(Read)


class ProcessVexReader:
    """See ports.vex.VexReader. `deadline` in seconds."""

    def __init__(self, deadline: float = DEADLINE) -> None:
        self._bounds = Bounds(deadline, BYTES, ANSWER)

    async def read(self, content: bytes) -> VexDocument:
        """See VexReader."""
        if len(content) > BYTES:
            raise RequestInvalid(f"the VEX document has more than {BYTES >> 20} MiB")
        taken = await exchange("orlop.adapters.inside.vex_child", _whole(content), self._bounds)
        try:
            read = _read.decode(taken)
        except msgspec.MsgspecError as error:
            raise RequestInvalid("the VEX document takes more time or memory to read than one may have") from error
        if read.document is None:
            raise RequestInvalid(read.refused)
        return read.document


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content
