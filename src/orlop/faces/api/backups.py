"""End points about scheduled backups: how they go, what lies at their targets, and one more now."""

from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, QueryParameter
from msgspec import Meta

from orlop.domain.durations import SECOND
from orlop.faces.api import values
from orlop.faces.api.exchange import PAGE, PREFIX, ApiRequest, Last, Size, caller_of, listed, page_of, whole
from orlop.faces.api.jobs import JobValue
from orlop.ports.backups import BackupRun, StoredBackup
from orlop.services.backup.desk import BackupDesk, ScheduleStatus
from orlop.services.management.operations import Operation


class BackupRunValue(msgspec.Struct, frozen=True):
    """How backups or drills of a schedule went. `job` tried last, at `tried_at`, and failed by `error` if there is any;
    `failures`: since it went well. `done_at`, `backup` and what follows are of what was made, or restored, last:
    `bytes` are of all that it holds, `new_bytes` were copied for it."""

    job: int
    tried_at: values.Time
    failures: int
    error: str
    done_at: values.Time
    backup: str
    blobs: int
    bytes: int
    new_bytes: int
    seconds: float

    @classmethod
    def of(cls, run: BackupRun) -> "BackupRunValue":
        """As clients see it."""
        return cls(
            job=run.job,
            tried_at=values.time(run.tried_at),
            failures=run.failures,
            error=run.error,
            done_at=values.time(run.done_at),
            backup=run.backup,
            blobs=run.blobs,
            bytes=run.bytes,
            new_bytes=run.new_bytes,
            seconds=run.lasted / SECOND,
        )


class BackupStatusValue(msgspec.Struct, frozen=True):
    """How a schedule fares. `backup`, `drill`: null where none was tried at its target; `late_at`: from when on its
    newest whole backup is too old; `next_drill_at`: from when on a drill follows the next backup."""

    schedule: str
    to: str
    enabled: bool
    next_at: values.Time
    late_at: values.Time
    next_drill_at: values.Time
    backup: BackupRunValue | None
    drill: BackupRunValue | None

    @classmethod
    def of(cls, status: ScheduleStatus) -> "BackupStatusValue":
        """As clients see it."""
        body = status.scheduled.body
        return cls(
            schedule=status.scheduled.name,
            to=body.to,
            enabled=body.enabled,
            next_at=values.time(status.next_at),
            late_at=values.time(status.late_at),
            next_drill_at=values.time(status.next_drill_at),
            backup=BackupRunValue.of(status.backup) if status.backup is not None else None,
            drill=BackupRunValue.of(status.drill) if status.drill is not None else None,
        )


class BackupValue(msgspec.Struct, frozen=True):
    """A backup. Everything that was acknowledged before `at` is in it, but for `damaged` blobs that the registry itself
    had lost. `drilled_at`: null where it was not restored to try it; `drill_error`: what was wrong then."""

    name: str
    at: values.Time
    ended_at: values.Time
    engine: str
    release: str
    blobs: int
    bytes: int
    damaged: int
    drilled_at: values.Time
    drill_error: str

    @classmethod
    def of(cls, stored: StoredBackup) -> "BackupValue":
        """As clients see it."""
        times = {name: values.time(getattr(stored, name)) for name in ("at", "ended_at", "drilled_at")}
        return cls(**(msgspec.structs.asdict(stored) | times))


class BackupBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of which schedule."""

    schedule: Annotated[str, Meta(min_length=1, max_length=63)]


def backups(desk: BackupDesk) -> list[HTTPRouteHandler]:
    """`/backups`, `/backup-drills` and `/backup-status`."""

    @get("/backup-status", operation_id="showBackupStatus", tags=["backups"], operation=Operation.BACKUP_READ)
    async def show_backup_status(request: ApiRequest) -> list[BackupStatusValue]:
        """Every schedule of backups, and how it fares."""
        return whole(await desk.status(caller_of(request)), BackupStatusValue.of)

    @get("/backups", operation_id="listBackups", tags=["backups"], operation=Operation.BACKUP_READ)
    async def list_backups(
        request: ApiRequest,
        schedule: Annotated[
            str, QueryParameter(name="schedule", min_length=1, max_length=63, description="Of which schedule.")
        ],
        n: Size = PAGE,
        last: Last = "",
    ) -> Response[list[BackupValue]]:
        """What lay at the target of a schedule when a backup was last made there, newest first."""
        page = await desk.page(caller_of(request), schedule, page_of(n, last))
        return listed(request, page, BackupValue.of, lambda one: one.name, n)

    @post("/backups", operation_id="makeBackup", tags=["backups"], operation=Operation.BACKUP_RUN)
    async def make_backup(request: ApiRequest, data: JSONBody[BackupBody]) -> Response[JobValue]:
        """Have a backup made now, by a job."""
        made = JobValue.of(await desk.run(caller_of(request), data.schedule))
        return Response(made, status_code=201, headers={"location": f"{PREFIX}/jobs/{made.id}"})

    @post("/backup-drills", operation_id="drillBackup", tags=["backups"], operation=Operation.BACKUP_RUN)
    async def drill_backup(request: ApiRequest, data: JSONBody[BackupBody]) -> Response[JobValue]:
        """Have the newest backup restored into a scratch folder and verified now, by a job."""
        made = JobValue.of(await desk.drill(caller_of(request), data.schedule))
        return Response(made, status_code=201, headers={"location": f"{PREFIX}/jobs/{made.id}"})

    return [show_backup_status, list_backups, make_backup, drill_backup]
