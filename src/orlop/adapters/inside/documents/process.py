"""Starts a process for each SBOM, gives it the bytes, and takes what it says."""

import asyncio
from collections.abc import AsyncIterator

import msgspec

from orlop.adapters.inside.documents.bounds import ANSWER, DEADLINE
from orlop.adapters.inside.exchange import Bounds, exchange
from orlop.domain.inside.layers import LayerFacts
from orlop.ports.inside import DOCUMENT_BYTES

#: Processes at once.
_AT_ONCE = 1
_ENDED = "it takes more time or memory to read than an SBOM may have"


class ProcessDocumentReader:
    """See ports.inside.DocumentReader. `deadline` in seconds."""

    def __init__(self, deadline: float = DEADLINE) -> None:
        self._bounds = Bounds(deadline, DOCUMENT_BYTES, ANSWER)
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def facts(self, content: AsyncIterator[bytes]) -> LayerFacts:
        """See DocumentReader."""
        async with self._turns:
            taken = await exchange("orlop.adapters.inside.documents.child", content, self._bounds)
        try:
            return msgspec.msgpack.decode(taken, type=LayerFacts)
        except msgspec.MsgspecError:
            return LayerFacts(unread=_ENDED)
