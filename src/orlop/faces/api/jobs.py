"""End points about jobs: seen, run, cancelled and tried again."""

from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, QueryParameter

from orlop.domain.job_kinds import JobKind
from orlop.domain.queue import Job, JobState
from orlop.domain.schedules import Schedule
from orlop.faces.api import values
from orlop.faces.api.exchange import PAGE, PREFIX, ApiRequest, Last, Size, caller_of, listed, page_of
from orlop.faces.api.people import Number
from orlop.services.jobs.schedules import Scheduled
from orlop.services.management.jobs import JobDesk
from orlop.services.management.operations import Operation


class ProgressValue(msgspec.Struct, frozen=True):
    """How far a job came: `done` of `total` (0: not known) of some unit, and where it is, in words."""

    done: int
    total: int
    unit: str
    text: str


class JobValue(msgspec.Struct, frozen=True):
    """A job. `attempts`: how often it was begun; `cancelling`: it was cancelled, and is about to end; `owner`: the
    process that does it, or did last; `fence` rises whenever a process takes it."""

    id: int
    kind: str
    state: JobState
    place: str
    arguments: dict[str, Any]
    priority: int
    asked_by: str
    asked_at: values.Time
    not_before: values.Time
    attempts: int
    started_at: values.Time
    ended_at: values.Time
    heartbeat_at: values.Time
    owner: str
    fence: int
    progress: ProgressValue
    result: str
    error: str
    cancelling: bool

    @classmethod
    def of(cls, job: Job) -> "JobValue":
        """As clients see it."""
        told = job.progress
        return cls(
            id=job.id,
            kind=job.kind,
            state=job.state,
            place=job.place,
            arguments=job.arguments,
            priority=job.priority,
            asked_by=job.asked_by,
            asked_at=values.time(job.asked_at),
            not_before=values.time(job.not_before),
            attempts=job.attempts,
            started_at=values.time(job.started_at),
            ended_at=values.time(job.ended_at),
            heartbeat_at=values.time(job.beat_at),
            owner=job.owner,
            fence=job.fence,
            progress=ProgressValue(told.done, told.total, told.unit, told.text),
            result=job.result,
            error=job.error,
            cancelling=job.is_unwanted and job.state is JobState.RUNNING,
        )


class JobKindValue(msgspec.Struct, frozen=True):
    """A kind of job, and when it runs by itself: by a setting (job-schedules), or as it does without one. `schedule`
    null: never. `next_at` null: nothing is planned."""

    kind: str
    text: str
    schedule: Schedule | None
    by_setting: bool
    next_at: values.Time
    last_at: values.Time

    @classmethod
    def of(cls, kind: JobKind, scheduled: Scheduled) -> "JobKindValue":
        """As clients see it."""
        times = values.time(scheduled.next_at), values.time(scheduled.last_at)
        return cls(kind.kind, kind.text, scheduled.schedule, scheduled.by_setting, *times)


class NewJob(msgspec.Struct, frozen=True):
    """A job to be run. `place`: the namespace or repository that it is about, for kinds that have one; empty: the
    registry."""

    kind: str
    arguments: dict[str, Any] = {}
    place: str = ""
    priority: int = 0


def jobs(desk: JobDesk) -> list[HTTPRouteHandler]:
    """`/jobs` and `/job-kinds`."""

    @get("/jobs", operation_id="listJobs", tags=["jobs"], operation=Operation.JOB_READ)
    async def list_jobs(
        request: ApiRequest,
        n: Size = PAGE,
        last: Last = "",
        stands: Annotated[
            JobState | None, QueryParameter(name="state", description="Only those that stand there.")
        ] = None,
        kind: Annotated[
            str, QueryParameter(name="kind", max_length=64, description="Only those of this kind, as `collection`.")
        ] = "",
    ) -> Response[list[JobValue]]:
        """Jobs, newest first."""
        page = await desk.page(caller_of(request), page_of(n, last), stands, kind)
        return listed(request, page, JobValue.of, lambda job: str(job.id), n)

    @get("/jobs/{number:int}", operation_id="showJob", tags=["jobs"], operation=Operation.JOB_READ)
    async def show_job(request: ApiRequest, number: Number) -> JobValue:
        """One of them."""
        return JobValue.of(await desk.get(caller_of(request), number))

    @post("/jobs", operation_id="runJob", tags=["jobs"], operation=Operation.JOB_RUN)
    async def run_job(request: ApiRequest, data: JSONBody[NewJob]) -> Response[JobValue]:
        """Have a job wait for its turn, which is now if nothing of its kind runs."""
        caller = caller_of(request)
        made = await desk.run(caller, data.kind, data.arguments, place=data.place, priority=data.priority)
        return Response(JobValue.of(made), status_code=201, headers={"location": f"{PREFIX}/jobs/{made.id}"})

    @post("/jobs/{number:int}/cancel", operation_id="cancelJob", tags=["jobs"], operation=Operation.JOB_CANCEL)
    async def cancel_job(request: ApiRequest, number: Number) -> Response[JobValue]:
        """Have it end: at once where it waits, within a second where it runs."""
        return Response(JobValue.of(await desk.cancel(caller_of(request), number)), status_code=200)

    @post("/jobs/{number:int}/retry", operation_id="retryJob", tags=["jobs"], operation=Operation.JOB_RUN)
    async def retry_job(request: ApiRequest, number: Number) -> Response[JobValue]:
        """Have one that failed or was cancelled wait for its turn again."""
        return Response(JobValue.of(await desk.retry(caller_of(request), number)), status_code=200)

    @get("/job-kinds", operation_id="listJobKinds", tags=["jobs"], operation=Operation.JOB_READ)
    async def list_kinds(request: ApiRequest) -> list[JobKindValue]:
        """Every kind of job, and when it runs by itself."""
        return [JobKindValue.of(*each) for each in await desk.kinds(caller_of(request))]

    return [list_jobs, show_job, run_job, cancel_job, retry_job, list_kinds]
