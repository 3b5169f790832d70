"""What a kind of job is to the process that does it."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from orlop.domain.errors import Stale
from orlop.domain.job_kinds import JobKind
from orlop.domain.queue import Job, Progress
from orlop.ports.clock import Clock


class Run:
    """One try at a job: what was asked for, and whom to tell how far it came."""

    def __init__(self, job: Job, clock: Clock) -> None:
        self.job = job.id
        self.fence = job.fence
        self.arguments: dict[str, Any] = job.arguments
        self.place = job.place
        self.until = job.lease_until
        """Until when the job is certainly this process's; moved by whoever gives its signs of life."""
        self.progress = Progress()
        self._clock = clock

    def tell(self, progress: Progress) -> None:
        """How far it came: it costs nothing, and is written once a second at most.

        Raises Stale in a process that stood still for longer than it had the job: another one may have it by now.
        """
        if self._clock.now() >= self.until:
            raise Stale(f"job {self.job} was held no longer than its process gave signs of life")
        self.progress = progress


class Work(msgspec.Struct, frozen=True):
    """How a kind of job is done: `do` returns how it ended, in a few words for whoever looks at it.

    It may be broken off at any await, and begin again. `every`: how often it runs by itself unless a setting says
    otherwise, in microseconds; 0: never.
    """

    kind: JobKind
    do: Callable[[Run], Awaitable[str]]
    every: int = 0


def plain(do: Callable[[], Awaitable[str]]) -> Callable[[Run], Awaitable[str]]:
    """Work that has no arguments and tells nothing on its way."""
    return lambda _: do()
