"""Keeps the process that answers expressions: it starts with the first question, and anew after one that it cannot
take."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack

import msgspec

from orlop.adapters.children import Child, child
from orlop.domain.gates.given import Given

#: Seconds for a question, and bytes of an answer.
DEADLINE, _ANSWER = 3.0, 1024 * 1024
_LENGTH = 4
_TOO_MUCH = "it takes more time or memory than it may have"


class ProcessExpressions:
    """See ports.expressions.Expressions. `deadline` in seconds."""

    def __init__(self, deadline: float = DEADLINE) -> None:
        self._deadline = deadline
        self._turn = asyncio.Lock()
        self._life = AsyncExitStack()
        self._process: Child | None = None

    async def check(self, expression: str, *, findings: bool) -> str:
        """See Expressions."""
        said = await self._asked({"expressions": [expression], "findings": findings})
        return said[0] if said else _TOO_MUCH

    async def judge(self, expressions: Sequence[str], given: Given) -> Mapping[str, str]:
        """See Expressions. Where all together are too much, each is asked alone."""
        if not expressions:
            return {}
        said = await self._judged(expressions, given)
        if not said and len(expressions) > 1:
            alone = [await self._judged((each,), given) for each in expressions]
            said = [each[0] if each else f"cannot be answered: {_TOO_MUCH}" for each in alone]
        return dict(zip(expressions, said or [f"cannot be answered: {_TOO_MUCH}"], strict=True))

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
        """None where the process is gone."""
        async with asyncio.timeout(self._deadline):
            if self._process is None:
                self._process = await self._life.enter_async_context(child("orlop.adapters.expressions.child"))
            process = self._process
            assert process.stdin is not None
            assert process.stdout is not None
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

    async def _stop(self) -> None:
        self._process = None
        life, self._life = self._life, AsyncExitStack()
        await life.aclose()
