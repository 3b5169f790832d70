"""What a process does in the background: jobs of the queue, chores that each does for itself, work that lasts."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import msgspec
import structlog

from orlop.domain.errors import RegistryError
from orlop.services.jobs.lasting_work import LastingWork
from orlop.services.jobs.queue import JobWorker

_log = structlog.get_logger("orlop.worker")


class Chore(msgspec.Struct, frozen=True):
    """What every process does for itself, every so many seconds and once more at its end. `what` is for the log."""

    what: str
    every: float
    step: Callable[[], Awaitable[object]]


class Worker:
    """One per process. `jobs`: None in one that does no jobs."""

    def __init__(
        self, jobs: JobWorker | None, chores: Sequence[Chore] = (), standing: Sequence[LastingWork] = ()
    ) -> None:
        self._jobs = jobs
        self._chores = chores
        self._standing = standing
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin; needs a running event loop."""
        self._tasks = [
            asyncio.create_task(self._every(chore.every, partial(self._do, chore))) for chore in self._chores
        ]
        if self._jobs is not None:
            self._jobs.start()
        for standing in self._standing:
            standing.start()

    async def stop(self) -> None:
        """End after the step under way, and after every chore was done once more."""
        self._stopping.set()
        if self._jobs is not None:
            await self._jobs.stop()
        await asyncio.gather(*self._tasks)
        for chore in self._chores:
            await self._do(chore)
        for standing in self._standing:  # behind the chores, for what they wrote last
            await standing.stop()

    async def _every(self, seconds: float, step: Callable[[], Awaitable[None]]) -> None:
        while not self._stopping.is_set():
            await step()
            try:
                await asyncio.wait_for(self._stopping.wait(), seconds)
            except TimeoutError:
                continue

    async def _do(self, chore: Chore) -> None:
        try:
            await chore.step()
        except RegistryError as error:
            _log.warning("something was not written and is lost", what=chore.what, reason=error.message)
        except Exception:  # noqa: BLE001 - the last door: a defect of ours in one step is told, and does not end the rest
            _log.exception("something was not written and is lost", what=chore.what)
