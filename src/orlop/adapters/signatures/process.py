"""Starts a process for each image whose signatures are looked at, and another one behind each that cannot be."""

import asyncio
import signal
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from orlop.adapters.children import Child, child
from orlop.adapters.signatures.child import AGAIN, LENGTH, Question
from orlop.domain.digest import Digest
from orlop.domain.errors import Unavailable
from orlop.ports.signatures import FoundSignature, JudgedSignature, NamedSigners

#: Seconds that a process has, and how many there are at once, and for one image after another.
DEADLINE, _AT_ONCE, _AFTER_ANOTHER = 15.0, 2, 6
#: Seconds of a processor that a signature had before it is the reason that there is no verdict; a busy machine is none.
_HAD = 3.0
#: Bytes of a verdict.
_VERDICT = 1024 * 1024
_TOO_MUCH = "it takes more time or memory to look at than it may have"
_BEHIND = "it was not looked at: others of this image take more time or memory than they may have"
_NOT_THERE = "the process that looks at signatures did not start, or was ended by the system"
_BUSY = "the signatures take longer to look at than they may, as others have the processor"


class ProcessSignatureVerifier:
    """See ports.signatures.SignatureVerifier. `deadline` in seconds; `had`: see _HAD."""

    def __init__(self, deadline: float = DEADLINE, *, had: float = _HAD) -> None:
        self._deadline = deadline
        self._had = had
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def judge(
        self, subjects: Sequence[Digest], found: Sequence[FoundSignature], signers: Sequence[NamedSigners], now: int
    ) -> tuple[JudgedSignature, ...]:
        """See SignatureVerifier. A process says one verdict after another. Where it comes to a bound, the next one goes
        on with what has none; the signature that it begins with, and says nothing of, is the reason."""
        names, judged = tuple(map(str, subjects)), list[JudgedSignature]()
        async with self._turns:
            for _ in range(_AFTER_ANOTHER):
                if len(judged) == len(found):
                    break
                left = tuple(found[len(judged) :])
                said = await self._said(msgspec.msgpack.encode(Question(names, left, tuple(signers), now)), len(left))
                judged += said or [JudgedSignature(problem=_TOO_MUCH, until=now + AGAIN)]
        behind = JudgedSignature(problem=_BEHIND, until=now + AGAIN)
        return (*judged, *(behind for _ in range(len(found) - len(judged))))

    async def _said(self, asked: bytes, most: int) -> list[JudgedSignature]:
        """The verdicts of a process until it ended, or came to a bound. Raises Unavailable where no signature can be
        the reason that there is none."""
        said: list[JudgedSignature] = []
        began = False
        async with child("orlop.adapters.signatures.child") as process:
            giving = asyncio.ensure_future(_give(process, asked))
            try:
                async with asyncio.timeout(self._deadline):
                    try:
                        await process.stdout.readexactly(LENGTH)
                        began = True
                        while len(said) < most:
                            size = int.from_bytes(await process.stdout.readexactly(LENGTH), "big")
                            verdict = await process.stdout.readexactly(min(size, _VERDICT))
                            said.append(msgspec.msgpack.decode(verdict, type=JudgedSignature))
                    except asyncio.IncompleteReadError:
                        ended = await process.wait()
                        if not said and (not began or ended == -signal.SIGKILL):
                            raise Unavailable(_NOT_THERE) from None
            except TimeoutError as cause:
                if not said and (not began or process.seconds() < self._had):
                    raise Unavailable(_BUSY) from cause
            finally:
                giving.cancel()
                with suppress(asyncio.CancelledError):
                    await giving
        return said


async def _give(process: Child, asked: bytes) -> None:
    """What it is asked, all of it, and its end."""
    assert process.stdin is not None
    with suppress(BrokenPipeError, ConnectionResetError):  # it ended
        process.stdin.write(asked)
        await process.stdin.drain()
    process.stdin.close()
