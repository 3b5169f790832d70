"""Keeps the process that answers expressions, one of each process that serves: it starts with the first question, and
anew after one that it cannot take."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from hashlib import sha256

import msgspec

from orlop.adapters.children import Child, child
from orlop.domain.durations import SECOND
from orlop.domain.errors import Unavailable
from orlop.domain.gates.expressions import TOO_MUCH
from orlop.domain.gates.given import Given
from orlop.ports.clock import Clock

#: Seconds for a question, and bytes of an answer.
DEADLINE, _ANSWER = 3.0, 1024 * 1024
#: Seconds that it has to start in.
START = 20.0
#: For how long an expression that took too much is not asked again about the same, and how many of these are known.
SPARED, _SPARED_MOST = 60 * SECOND, 1_000
_LENGTH = 4
_MODULE = "orlop.adapters.expressions.child"


class ProcessExpressions:
    """See ports.expressions.Expressions. `deadline` and `start` in seconds; `module`: what the process runs."""

    def __init__(
        self, clock: Clock, deadline: float = DEADLINE, *, start: float = START, module: str = _MODULE
    ) -> None:
        self._clock = clock
        self._deadline = deadline
        self._start = start
        self._module = module
        self._turn = asyncio.Lock()
        self._life = AsyncExitStack()
        self._process: Child | None = None
        self._spared: OrderedDict[tuple[str, bytes], int] = OrderedDict()
        """Expressions that took too much, by what they were asked about, with until when they are not asked again."""

    async def check(self, expression: str, *, findings: bool) -> str:
        """See Expressions."""
        said = await self._asked({"expressions": [expression], "findings": findings})
        return said[0] if said else TOO_MUCH.removeprefix("cannot be answered: ")

    async def judge(self, expressions: Sequence[str], given: Given) -> Mapping[str, str]:
        """See Expressions. Where all together are too much, each is asked alone."""
        about, now = sha256(msgspec.msgpack.encode(given)).digest(), self._clock.now()
        told = {each: TOO_MUCH for each in expressions if self._spared.get((each, about), 0) > now}
        left = [each for each in expressions if each not in told]
        said = await self._judged(left, given) if left else []
        if not said and len(left) > 1:
            said = [(await self._judged((each,), given) or [TOO_MUCH])[0] for each in left]
        told |= dict(zip(left, said or [TOO_MUCH] * len(left), strict=True))
        self._spare([(each, about) for each in left if told[each] == TOO_MUCH])
        return told

    async def close(self) -> None:
        """End the process."""
        async with self._turn:
            await self._stop()

    async def _judged(self, expressions: Sequence[str], given: Given) -> list[str]:
        found = given.findings is not None
        return await self._asked({"expressions": expressions, "findings": found, "given": given})

    async def _asked(self, question: Mapping[str, object]) -> list[str]:
        """The answers; none where it took too much."""
        content = msgspec.msgpack.encode(question)
        async with self._turn:
            fresh = self._process is None
            try:
                said = await self._exchanged(content)
                if said is None and not fresh:  # it was at its end with all that others asked before
                    said = await self._exchanged(content)
            except TimeoutError:
                await self._stop()
                return []
            except BaseException:
                await self._stop()
                raise
        return said or []

    async def _exchanged(self, content: bytes) -> list[str] | None:
        """None where the process is gone. Raises TimeoutError; Unavailable where it does not start."""
        process = self._process or await self._started()
        async with asyncio.timeout(self._deadline):
            assert process.stdin is not None
            try:
                process.stdin.write(len(content).to_bytes(_LENGTH, "big") + content)
                await process.stdin.drain()
                size = int.from_bytes(await process.stdout.readexactly(_LENGTH), "big")
                said = await process.stdout.readexactly(min(size, _ANSWER))
                return msgspec.msgpack.decode(said, type=list[str])
            except (asyncio.IncompleteReadError, ConnectionError, msgspec.MsgspecError):
                pass
        await self._stop()
        return None

    async def _started(self) -> Child:
        """A process that said that it is there: no question can be the reason where one does not."""
        try:
            async with asyncio.timeout(self._start):
                process = await self._life.enter_async_context(child(self._module))
                await process.stdout.readexactly(_LENGTH)
        except TimeoutError as cause:
            raise _unavailable(f"the process that does did not start within {self._start:g} seconds") from cause
        except (OSError, asyncio.IncompleteReadError) as cause:
            raise _unavailable("the process that does cannot be started") from cause
        self._process = process
        return process

    def _spare(self, asked: Sequence[tuple[str, bytes]]) -> None:
        """Remember that these take too much."""
        for each in asked:
            self._spared[each] = self._clock.now() + SPARED
            self._spared.move_to_end(each)
        while len(self._spared) > _SPARED_MOST:
            self._spared.popitem(last=False)

    async def _stop(self) -> None:
        self._process = None
        life, self._life = self._life, AsyncExitStack()
        await life.aclose()


def _unavailable(why: str) -> Unavailable:
    return Unavailable(f"expressions cannot be evaluated here: {why}")
