"""Jobs as people ask for them: seen, run, cancelled and tried again by those who rule the registry."""

from typing import Any

from orlop.domain.access import Caller
from orlop.domain.errors import NotFound, RequestInvalid
from orlop.domain.job_kinds import JobKind, job_kind
from orlop.domain.pages import Page, PageRequest
from orlop.domain.queue import Job, JobState, Order
from orlop.domain.settings import checked_path
from orlop.ports.catalog import by
from orlop.ports.queue import Jobs
from orlop.services.jobs.schedules import Scheduled, Schedules
from orlop.services.management.operations import Gate, Operation

#: How far a priority goes both ways.
_PRIORITY = 100


class JobDesk:
    """See ports.queue.Jobs."""

    def __init__(self, gate: Gate, jobs: Jobs, schedules: Schedules) -> None:
        self._gate = gate
        self._jobs = jobs
        self._schedules = schedules

    async def kinds(self, caller: Caller) -> tuple[tuple[JobKind, Scheduled], ...]:
        """Every kind that this registry does, and when it runs by itself."""
        await self._gate.check(caller, Operation.JOB_READ)
        return tuple((job_kind(each.kind), each) for each in await self._schedules.all())

    async def page(self, caller: Caller, page: PageRequest, state: JobState | None = None, kind: str = "") -> Page[Job]:
        """The newest first. Raises RequestInvalid for a kind that there is not."""
        await self._gate.check(caller, Operation.JOB_READ)
        return await self._jobs.page(page, state, job_kind(kind).kind if kind else "")

    async def get(self, caller: Caller, job: int) -> Job:
        """Raises NotFound."""
        await self._gate.check(caller, Operation.JOB_READ)
        found = await self._jobs.get(job)
        if found is None:
            raise NotFound(f"there is no job {job}; orlop jobs ls lists those there are", {"job": job})
        return found

    async def run(
        self, caller: Caller, kind: str, arguments: dict[str, Any], *, place: str = "", priority: int = 0
    ) -> Job:
        """Have one wait for its turn, which is now if nothing of its kind runs. Raises RequestInvalid."""
        await self._gate.check(caller, Operation.JOB_RUN)
        known = job_kind(kind)
        checked = known.checked(arguments)
        if not -_PRIORITY <= priority <= _PRIORITY:
            raise RequestInvalid(f"a priority is from -{_PRIORITY} to {_PRIORITY}", {"priority": priority})
        if checked_path(place) and not known.placed:
            raise RequestInvalid(f"a {kind} is of the registry as a whole, and of no place", {"place": place[:160]})
        order = Order(kind=kind, arguments=checked, place=place, priority=priority)
        made = await self._jobs.ask(order, by(caller, self._gate.now()))
        assert made is not None, "a job without `once` is always made"
        return made

    async def may_run(self, caller: Caller) -> bool:
        """Whether the caller may run, cancel and try again."""
        return await self._gate.may(caller, Operation.JOB_RUN)

    async def cancel(self, caller: Caller, job: int) -> Job:
        """Raises NotFound, Conflict."""
        await self._gate.check(caller, Operation.JOB_CANCEL)
        return await self._jobs.cancel(job, by(caller, self._gate.now()))

    async def retry(self, caller: Caller, job: int) -> Job:
        """Raises NotFound, Conflict."""
        await self._gate.check(caller, Operation.JOB_RUN)
        return await self._jobs.retry(job, by(caller, self._gate.now()))
