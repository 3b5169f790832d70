"""Processes that read the work of strangers, as whoever starts them sees it. `confined`: what they do to themselves."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import IO


@asynccontextmanager
async def child(
    module: str, *arguments: str, given: IO[bytes] | int = asyncio.subprocess.PIPE
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that runs a module of this program, with nothing of its environment; it is gone at the end.

    `given`: what it reads, a file of the system or a pipe. What it answers comes by a pipe.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-m",
        module,
        *arguments,
        stdin=given,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
        cwd="/",
    )
    try:
        yield process
    finally:
        await _gone(process)


async def _gone(process: asyncio.subprocess.Process) -> None:
    """End a process. Whoever is cancelled meanwhile leaves none behind either: it takes as long as the system does."""
    cancelled: asyncio.CancelledError | None = None
    # By its number: `Process.kill` would look whether it ended, and take that from those who wait for it.
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    while process.returncode is None:
        try:
            await process.wait()
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
