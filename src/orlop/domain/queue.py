"""Jobs of the queue as values: what becomes of them, and when one that failed is tried again.

Where they are kept is the catalog's business (ports.queue), who does them that of services.jobs.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from orlop.domain.durations import HOUR, SECOND
from orlop.domain.errors import Conflict


class JobState(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


#: States that a job leaves only when somebody asks for it again.
ENDED = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})


class JobStep(StrEnum):
    """What can happen to a job."""

    CLAIM = "claim"
    """A process takes it."""
    FINISH = "finish"
    """It was done."""
    RETRY = "retry"
    """It failed, and is to be tried once more."""
    FAIL = "fail"
    """It failed for good."""
    RETURN = "return"
    """The process that had it ends, or has died: the next one takes it."""
    CANCEL = "cancel"
    """Somebody does not want it any more."""
    AGAIN = "again"
    """Somebody wants it again, from the beginning."""


#: The life of a job. What is not here cannot happen.
TRANSITIONS: Mapping[tuple[JobState, JobStep], JobState] = {
    (JobState.WAITING, JobStep.CLAIM): JobState.RUNNING,
    (JobState.WAITING, JobStep.CANCEL): JobState.CANCELLED,
    (JobState.RUNNING, JobStep.FINISH): JobState.DONE,
    (JobState.RUNNING, JobStep.RETRY): JobState.WAITING,
    (JobState.RUNNING, JobStep.FAIL): JobState.FAILED,
    (JobState.RUNNING, JobStep.RETURN): JobState.WAITING,
    (JobState.RUNNING, JobStep.CANCEL): JobState.CANCELLED,
    (JobState.FAILED, JobStep.AGAIN): JobState.WAITING,
    (JobState.CANCELLED, JobStep.AGAIN): JobState.WAITING,
}


def after(state: JobState, step: JobStep) -> JobState:
    """The state behind a step. Raises Conflict for one that a job in this state cannot take."""
    found = TRANSITIONS.get((state, step))
    if found is None:
        raise Conflict(f"the job is {state}: {_WHY_NOT.get(step, 'it cannot become anything else')}", {"state": state})
    return found


_WHY_NOT = {
    JobStep.CANCEL: "there is nothing to cancel any more",
    JobStep.AGAIN: "only one that failed or was cancelled is tried again",
}


class Progress(msgspec.Struct, frozen=True):
    """How far a job came: `done` of `total` (0: not known) of some unit, and where it is, in words."""

    done: int = 0
    total: int = 0
    unit: str = ""
    text: str = ""

    def words(self) -> str:
        """All of it in a line; nothing where nothing was told."""
        amount = f"{self.done} of {self.total}" if self.total else f"{self.done}" if self.done else ""
        counted = f"{amount} {self.unit}".strip() if amount else ""
        return "; ".join(part for part in (counted, self.text) if part)


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Work that was asked for. Times are microseconds since 1970, 0 for never."""

    id: int
    kind: str
    arguments: dict[str, Any]
    place: str
    """The namespace or repository that it is about; empty: the registry."""
    asked_by: str
    asked_at: int
    priority: int
    """Higher comes first."""
    not_before: int
    state: JobState
    attempts: int
    """How often it was begun since it was asked for."""
    started_at: int
    """When it was begun last."""
    ended_at: int
    owner: str
    """The process that has it, or had it last."""
    fence: int
    """Greater with every claim: what is said with a lower one says somebody who has lost the job."""
    lease_until: int
    beat_at: int
    """The last sign of life of its process."""
    progress: Progress
    result: str
    error: str
    """Why it failed last."""
    is_unwanted: bool
    """Somebody cancelled it; its process is about to notice."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A job to be: see Job. `once` names what there is only one of that has not ended; empty: as many as are asked."""

    kind: str
    arguments: dict[str, Any] = {}
    place: str = ""
    priority: int = 0
    not_before: int = 0
    once: str = ""


#: The pause after a first failure and the longest one, in microseconds.
FIRST_PAUSE, LONGEST_PAUSE = 10 * SECOND, HOUR


def pause(attempts: int, chance: float) -> int:
    """How long a job waits that failed so often, in microseconds: twice as long each time, and of that somewhere
    between half and all, as `chance` (0 to 1) has it, so that what failed together is not tried again together."""
    longest = min(FIRST_PAUSE << min(attempts - 1, 32), LONGEST_PAUSE)
    return int(longest * (1 + chance) / 2)
