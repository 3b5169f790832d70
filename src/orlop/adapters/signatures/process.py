"""Starts a process for each image whose signatures are looked at."""

import asyncio
from collections.abc import Sequence

import msgspec

from orlop.adapters.children import child
from orlop.adapters.signatures.child import Question
from orlop.domain.digest import Digest
from orlop.domain.errors import Unavailable
from orlop.ports.signatures import FoundSignature, JudgedSignature, NamedSigners

#: Seconds that a process has, and how many there are at once.
DEADLINE, _AT_ONCE = 15.0, 2


class ProcessSignatureVerifier:
    """See ports.signatures.SignatureVerifier. `deadline` in seconds."""

    def __init__(self, deadline: float = DEADLINE) -> None:
        self._deadline = deadline
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def judge(
        self, subjects: Sequence[Digest], found: Sequence[FoundSignature], signers: Sequence[NamedSigners], now: int
    ) -> tuple[JudgedSignature, ...]:
        """See SignatureVerifier."""
        asked = msgspec.msgpack.encode(Question(tuple(map(str, subjects)), tuple(found), tuple(signers), now))
        async with self._turns, child("orlop.adapters.signatures.child") as process:
            try:
                async with asyncio.timeout(self._deadline):
                    said = await process.communicate(asked)
                judged: tuple[JudgedSignature, ...] = msgspec.msgpack.decode(said, type=tuple[JudgedSignature, ...])
            except (TimeoutError, msgspec.MsgspecError) as cause:
                raise Unavailable("the signatures take more time or memory to look at than they may have") from cause
        return judged
