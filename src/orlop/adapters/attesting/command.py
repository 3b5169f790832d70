"""A program that signs: it reads what is to be signed, and writes the signature in base64, within bounds."""

import asyncio
import binascii
import os
from collections.abc import Sequence
from contextlib import suppress

from orlop.adapters.children import Child, program
from orlop.domain.errors import Unavailable

#: Bytes that a program may answer, and programs that run at once in a process.
ANSWER_MAX, _AT_ONCE = 4096, 2
#: Variables of the registry, which may hold its secrets, begin with it: the program gets none of them.
_OWN = "ORLOP_"


class SigningCommand:
    """`program`: its path and arguments; no shell reads them. `timeout` in seconds."""

    def __init__(self, program: Sequence[str], timeout: float) -> None:
        self._program = program
        self._timeout = timeout
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def sign(self, payload: bytes) -> bytes:
        """The signature, which is not checked. Raises Unavailable, with the reason."""
        async with self._turns:
            answer = await self._run(payload)
        try:
            return binascii.a2b_base64(answer.strip(), strict_mode=True)
        except binascii.Error as cause:
            raise Unavailable(f"{self._program[0]} answered something that is no signature in base64") from cause

    async def _run(self, payload: bytes) -> bytes:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_OWN)}
        try:
            async with program(self._program, environment) as process:
                return await self._asked(process, payload)
        except OSError as cause:
            raise Unavailable(f"{self._program[0]} cannot be started: {cause.strerror}") from cause

    async def _asked(self, process: Child, payload: bytes) -> bytes:
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._answer(process, payload)
                code = await process.wait()
        except TimeoutError as cause:
            raise Unavailable(f"{self._program[0]} did not sign within {self._timeout:g} seconds") from cause
        if code:
            raise Unavailable(f"{self._program[0]} did not sign: it ended with {code}")
        return answer

    async def _answer(self, process: Child, payload: bytes) -> bytes:
        assert process.stdin is not None
        with suppress(ConnectionError):  # it need not read to the end
            process.stdin.write(payload)
            await process.stdin.drain()
        process.stdin.close()
        answer = b""
        while part := await process.stdout.read(ANSWER_MAX + 1 - len(answer)):
            answer += part
            if len(answer) > ANSWER_MAX:
                raise Unavailable(f"{self._program[0]} answered more than {ANSWER_MAX} bytes")
        return answer
