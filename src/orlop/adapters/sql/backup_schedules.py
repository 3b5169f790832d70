"""How scheduled backups went, and what lies at their targets, as rows."""

from collections.abc import Collection, Sequence

from orlop.adapters.sql.engine import Engine, Row, Session
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.domain.counts import counted
from orlop.domain.events import EventKind
from orlop.domain.pages import Page, PageRequest, page_of
from orlop.domain.sizes import size_words
from orlop.ports.backups import BackupRun, BackupWork, StoredBackup
from orlop.ports.by import By

#: Comes after every name of a backup, which begin with digits.
_BEYOND = "~"
#: What an event tells of an error.
_TOLD = 500


class SqlBackupRecords:
    """See ports.backups.BackupRecords. `lists`: what pages are read by."""

    def __init__(self, engine: Engine, lists: Session) -> None:
        self._engine = engine
        self._reader = engine.reader
        self._lists = lists

    async def runs(self) -> tuple[BackupRun, ...]:
        return tuple(map(_run, await self._reader.all("backup_runs")))

    async def run(self, schedule: str, work: BackupWork) -> BackupRun | None:
        row = await self._reader.one("backup_run", schedule, work.value)
        return _run(row) if row is not None else None

    async def tell(self, run: BackupRun, by: By, seen: Sequence[StoredBackup] | None = None) -> None:
        async def steps(tx: Session, ledger: Ledger) -> None:
            row = await tx.one("backup_run", run.schedule, run.work.value)
            before = _run(row) if row is not None else None
            await tx.run(
                "backup_run_put",
                run.schedule,
                run.work.value,
                run.target,
                run.job,
                run.tried_at,
                run.done_at,
                run.backup,
                run.blobs,
                run.bytes,
                run.new_bytes,
                run.lasted,
                run.failures,
                run.error,
            )
            if seen is not None:
                await _see(tx, run.schedule, seen)
            if run.work is BackupWork.DRILL and run.backup:
                await tx.run("backup_drilled", run.schedule, run.backup, run.tried_at, run.error)
            if not run.error or before is None or (before.job, before.error) != (run.job, run.error):
                _tell(ledger, run)

        await self._engine.write(recorded(by, steps), changes=False)

    async def page(self, schedule: str, page: PageRequest) -> Page[StoredBackup]:
        rows = await self._lists.all("backup_page", schedule, page.after or _BEYOND, page.size + 1)
        return page_of(map(_stored, rows), page)

    async def forget(self, staying: Collection[str]) -> None:
        async def steps(tx: Session) -> None:
            for name in gone:
                await tx.run("backup_runs_forget", name)
                await tx.run("backups_forget", name)

        # Whatever lies at the target of a schedule was seen by a run of it.
        gone = sorted({run.schedule for run in await self.runs()} - set(staying))
        if gone:
            await self._engine.write(steps, durable=False, changes=False)


async def _see(tx: Session, schedule: str, seen: Sequence[StoredBackup]) -> None:
    there = {one.name for one in seen}
    known = {row[0] for row in await tx.all("backup_names", schedule)}
    await tx.many("backup_gone", [(schedule, name) for name in sorted(known - there)])
    await tx.many(
        "backup_seen",
        [
            (schedule, one.name, one.at, one.ended_at, one.engine, one.release, one.blobs, one.bytes, one.damaged)
            for one in seen
            if one.name not in known
        ],
    )


def _tell(ledger: Ledger, run: BackupRun) -> None:
    if run.work is BackupWork.BACKUP:
        done, failed = EventKind.BACKUP_COMPLETED, EventKind.BACKUP_FAILED
        detail = (
            f"{run.backup} at {run.target}: {counted(run.blobs, 'blob')}, {size_words(run.bytes)}, of which"
            f" {size_words(run.new_bytes)} were new"
        )
    else:
        done, failed = EventKind.BACKUP_DRILLED, EventKind.BACKUP_DRILL_FAILED
        detail = f"{run.backup} at {run.target} was restored and verified: nothing wrong"
    if run.error:
        ledger.event(failed, subject=run.schedule, detail=run.error[:_TOLD])
    else:
        ledger.event(done, subject=run.schedule, detail=detail[:_TOLD])


def _run(row: Row) -> BackupRun:
    schedule, work, target, job, tried_at, done_at, backup, blobs, size, new, lasted, failures, error = row
    return BackupRun(
        schedule=schedule,
        work=BackupWork(work),
        target=target,
        job=job,
        tried_at=tried_at,
        done_at=done_at,
        backup=backup,
        blobs=blobs,
        bytes=size,
        new_bytes=new,
        lasted=lasted,
        failures=failures,
        error=error,
    )


def _stored(row: Row) -> StoredBackup:
    name, at, ended_at, engine, release, blobs, size, damaged, drilled_at, drill_error = row
    return StoredBackup(
        name=name,
        at=at,
        ended_at=ended_at,
        engine=engine,
        release=release,
        blobs=blobs,
        bytes=size,
        damaged=damaged,
        drilled_at=drilled_at,
        drill_error=drill_error,
    )
