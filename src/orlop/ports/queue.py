"""The queue: jobs as rows that anybody may look at, that one process at a time has, and that outlive each of them.

Times are microseconds since 1970, UTC. What every method changes moves the count of the queue's changes.
"""

from collections.abc import Collection, Sequence
from typing import Protocol

import msgspec

from orlop.domain.job_kinds import JobKind
from orlop.domain.pages import Page, PageRequest
from orlop.domain.queue import Job, JobState, JobStep, Order, Progress
from orlop.ports.catalog import By


class Jobs(Protocol):
    """What people and services ask of the queue."""

    async def ask(self, order: Order, by: By) -> Job | None:
        """Make a job; None where one of the same `once` has not ended. Writes an event unless the registry asks."""
        ...

    async def get(self, job: int) -> Job | None:
        """One of them."""
        ...

    async def page(self, page: PageRequest, state: JobState | None = None, kind: str = "") -> Page[Job]:
        """The newest first, of a state and a kind where these are given; the key is the number of a job."""
        ...

    async def cancel(self, job: int, by: By) -> Job:
        """Have it end: at once where it waits, and where it runs as soon as its process hears. Raises NotFound;
        Conflict for one that has ended."""
        ...

    async def retry(self, job: int, by: By) -> Job:
        """Have one that failed or was cancelled wait again. Raises NotFound; Conflict for any other, and where one of
        the same `once` has not ended."""
        ...


class Held(msgspec.Struct, frozen=True):
    """A job that a process has, as it was told; `progress` where there is news of it."""

    id: int
    fence: int
    progress: Progress | None = None


class Ending(msgspec.Struct, frozen=True):
    """How the work on a job ended: by which step, and in which words; `not_before` where it is to be tried again."""

    step: JobStep
    result: str = ""
    error: str = ""
    not_before: int = 0


class JobClaims(Protocol):
    """What processes ask that do jobs. Each says which kinds it does."""

    async def next(self, kinds: Sequence[JobKind], *, latest: int) -> int | None:
        """When there is something to do: a job's time comes, or the lease of a process runs out that may have died.
        None: there are no jobs. A lease that ends after `latest` has run out: see domain.leases."""
        ...

    async def claim(
        self, kinds: Sequence[JobKind], owner: str, *, now: int, until: int, limit: int = 1
    ) -> tuple[Job, ...]:
        """Take the jobs whose turn it is: the highest priority, then the earliest time, as many as may run.

        What dead processes had is taken back first: it waits again, has failed after its last attempt, or is cancelled.
        Leases are as long as these, so that one that ends much later was written by a clock that is wrong.
        """
        ...

    async def beat(self, held: Sequence[Held], *, now: int, until: int) -> frozenset[int]:
        """A sign of life of those who have these; the jobs that the process still has."""
        ...

    async def kept(self, held: Sequence[Held]) -> tuple[frozenset[int], frozenset[int]]:
        """Of jobs that a process had: those that it still has, and those of them that somebody cancelled."""
        ...

    async def end(self, held: Held, ending: Ending, *, now: int) -> bool:
        """Record how it ended; False where the process had lost the job, and then nothing is recorded."""
        ...


class Planned(msgspec.Struct, frozen=True):
    """When a kind of job runs next by itself, by which schedule (as text), and when it did last."""

    kind: str
    schedule: str
    next_at: int
    last_at: int = 0


class Timetable(Protocol):
    """When kinds of jobs run by themselves."""

    async def all(self) -> tuple[Planned, ...]:
        """Every kind that has a schedule."""
        ...

    async def plan(self, before: Planned | None, after: Planned) -> bool:
        """Write down when a kind runs next; False where somebody else did since `before` was read."""
        ...

    async def run(self, before: Planned | None, after: Planned, order: Order, by: By) -> bool:
        """The same, with a job for now. There is none where the one before it has not ended."""
        ...


class Depth(msgspec.Struct, frozen=True):
    """How many jobs of a kind wait, run, and have failed for good and are still listed. `oldest_at`: since when one
    might run that still waits."""

    kind: str
    waiting: int
    running: int
    failed: int
    oldest_at: int | None


class JobHistory(Protocol):
    """The queue as a whole."""

    async def depths(self, now: int) -> tuple[Depth, ...]:
        """How much there is to do, by kind."""
        ...

    async def forget(self, before: int, limit: int, *, done: Collection[str] = ()) -> int:
        """Remove up to `limit` jobs that ended before then; of `done`, if they are given, those alone that ended well.
        How many."""
        ...


class Queue(msgspec.Struct, frozen=True):
    """Every role of the queue of one catalog."""

    jobs: Jobs
    claims: JobClaims
    timetable: Timetable
    history: JobHistory
