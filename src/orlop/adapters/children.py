"""Processes that read the work of strangers, as whoever starts them sees it. `confined`: what they do to themselves.

They are started as `subprocess` does it, by vfork(2): uvloop would copy the tables of the server's memory first, while
no request is answered.
"""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import IO, Any


class Child:
    """A process that was started, its pipes, and its end. `stdin` is None where it was given a file to read."""

    stdout: asyncio.StreamReader
    stdin: asyncio.StreamWriter | None

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[int] = self._loop.create_future()
        self._pipes = [pipe for pipe in (process.stdout, process.stdin) if pipe is not None]
        self._transports: list[asyncio.BaseTransport] = []
        self.stdin = None
        self._watch()
        self._connecting = asyncio.ensure_future(self._connect())

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """As `subprocess` has it; None: it did not end yet."""
        return self._ended.result() if self._ended.done() else None

    def kill(self) -> None:
        """End it by SIGKILL; nothing where it ended already."""
        if not self._ended.done():
            self._process.kill()

    async def wait(self) -> int:
        """Its code, once it ended. Whoever is cancelled meanwhile changes nothing for others who wait."""
        return await asyncio.shield(self._ended)

    async def communicate(self, given: bytes) -> bytes:
        """Give it all of this; all that it says until it ends."""
        assert self.stdin is not None
        with suppress(BrokenPipeError, ConnectionResetError):  # it has what it wants
            # Beyond what a pipe takes, the event loop writes while what it says is read.
            self.stdin.write(given)
        self.stdin.close()
        said = await self.stdout.read()
        await self.wait()
        return said

    def seconds(self) -> float:
        """Seconds of processors that it had until now; 0 once it ended, and where the system does not say."""
        if not self._ended.done():
            with suppress(OSError, OverflowError):
                # clock_getcpuclockid(3): the clock of a process is this number.
                return time.clock_gettime(~self.pid << 3 | 2)
        return 0.0

    async def connected(self) -> None:
        """Its pipes are in the event loop. That waits for nothing from outside, and is never left half way."""
        await asyncio.shield(self._connecting)

    async def _connect(self) -> None:
        self.stdout = asyncio.StreamReader()
        answers = self._handed_over()
        taking, _ = await self._loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(self.stdout), answers)
        self._transports.append(taking)
        if self._pipes:
            giving, protocol = await self._loop.connect_write_pipe(_giving, self._handed_over())
            self._transports.append(giving)
            self.stdin = asyncio.StreamWriter(giving, protocol, None, self._loop)

    def _handed_over(self) -> IO[bytes]:
        """The next pipe, which the event loop closes from here on, once.

        asyncio closes the file. uvloop closes the descriptor, and then the file as well, which would close the number
        again: by then it may be that of a file that a thread has just opened. uvloop gets a file that closes nothing.
        """
        pipe = self._pipes[0]
        if isinstance(self._loop, asyncio.BaseEventLoop):
            return self._pipes.pop(0)
        handed = open(os.dup(pipe.fileno()), pipe.mode, buffering=0, closefd=False)  # noqa: SIM115
        self._pipes.pop(0).close()
        return handed

    async def end(self) -> None:
        """End it. Whoever is cancelled meanwhile leaves none behind either: it takes as long as the system does."""
        cancelled: asyncio.CancelledError | None = None
        over: set[asyncio.Future[Any]] = {self._ended, self._connecting}
        self.kill()
        while not all(each.done() for each in over):
            try:
                await asyncio.wait(over)
            except asyncio.CancelledError as error:
                cancelled = error
        for transport in self._transports:
            if not transport.is_closing():  # else it ends with the pipe, whose other side is gone
                transport.close()
        for pipe in self._pipes:
            pipe.close()
        if cancelled is not None:
            raise cancelled

    def _watch(self) -> None:
        """Be told of its end: by the system where it can, and else by a thread that waits for it."""
        if sys.platform == "linux":
            with suppress(OSError):  # an old system, or no descriptor is left
                watched = os.pidfd_open(self.pid)
                self._loop.add_reader(watched, self._end_seen, watched)
                return
        threading.Thread(target=self._wait_for, daemon=True, name=f"child {self.pid}").start()

    def _end_seen(self, watched: int) -> None:
        self._loop.remove_reader(watched)
        os.close(watched)
        self._ended.set_result(self._process.wait())

    def _wait_for(self) -> None:
        code = self._process.wait()
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._ended.set_result, code)


def _giving() -> asyncio.StreamReaderProtocol:
    """Of a pipe that is written to: it knows when the pipe is full, and reads nothing."""
    return asyncio.StreamReaderProtocol(asyncio.StreamReader())


@asynccontextmanager
async def child(
    module: str, *arguments: str, given: IO[bytes] | int = subprocess.PIPE, behind: bool = False
) -> AsyncIterator[Child]:
    """A process that runs a module of this program, with nothing of its environment; it is gone at the end.

    `given`: what it reads, a file of the system or a pipe. What it answers comes by a pipe. `behind`: it runs only when
    nobody else wants the processor, from its start on (sched(7), SCHED_IDLE), where the system knows that.
    """
    process = subprocess.Popen(  # noqa: ASYNC220, S603 - what blocks is vfork; a module of ours, and no shell
        [sys.executable, "-I", "-m", module, *arguments],
        bufsize=0,
        stdin=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
    )
    started = Child(process)
    try:
        if behind:
            _put_behind(process.pid)
        await started.connected()
        yield started
    finally:
        await started.end()


@asynccontextmanager
async def program(arguments: Sequence[str], environment: Mapping[str, str]) -> AsyncIterator[Child]:
    """A process that runs a program of whoever runs the server, in a session of its own; it and all that it started
    there are gone at the end. What it reads and answers goes by pipes. Raises OSError where it cannot be started."""
    process = subprocess.Popen(  # noqa: ASYNC220, S603 - what blocks is vfork; no shell reads what is set
        arguments,
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=dict(environment),
        cwd="/",
        start_new_session=True,
    )
    started = Child(process)
    try:
        await started.connected()
        yield started
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await started.end()


def _put_behind(pid: int) -> None:
    if sys.platform == "linux":
        with suppress(OSError):
            os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
