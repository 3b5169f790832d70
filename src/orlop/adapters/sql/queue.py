"""The queue, as rows: asked for, looked at, and forgotten. Who takes jobs: `queue_claims`."""

from collections.abc import Collection

from orlop.adapters.sql.engine import Engine, Row, Session
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.queue_claims import SqlJobClaims, SqlTimetable
from orlop.adapters.sql.queue_rows import inserted, job_of
from orlop.adapters.sql.records import each
from orlop.adapters.sql.weighed import weighed
from orlop.domain.access import SYSTEM
from orlop.domain.errors import Conflict, NotFound
from orlop.domain.events import EventKind
from orlop.domain.pages import Page, PageRequest, after_number
from orlop.domain.queue import Job, JobState, JobStep, Order, after
from orlop.ports.catalog import By
from orlop.ports.queue import Depth, Queue

#: Greater than the number of any job.
_BEYOND = (1 << 63) - 1


class SqlJobs:
    """See ports.queue.Jobs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def ask(self, order: Order, by: By) -> Job | None:
        async def steps(tx: Session, ledger: Ledger) -> Job | None:
            made = await inserted(tx, order, by)
            if made is not None:
                if by.actor != SYSTEM.name:
                    ledger.event(EventKind.JOB_ASKED, order.place, subject=_subject(made))
                await tx.run("queue_move")
            return made

        return await self._engine.write(recorded(by, steps), changes=False, queue=True)

    async def get(self, job: int) -> Job | None:
        row = await self._engine.reader.one("queue_get", job)
        return job_of(row) if row else None

    async def page(self, page: PageRequest, state: JobState | None = None, kind: str = "") -> Page[Job]:
        reader, keys = self._engine.reader, (after_number(page) or _BEYOND, page.size + 1)
        if kind and state:
            rows = await reader.all("queue_page_of_both", *keys, kind, state.value)
        elif kind:
            rows = await reader.all("queue_page_of_kind", *keys, kind)
        elif state:
            rows = await reader.all("queue_page_of_state", *keys, state.value)
        else:
            rows = await reader.all("queue_page", *keys)
        return await weighed(reader, rows, "queue_of_page", job_of, page)

    async def cancel(self, job: int, by: By) -> Job:
        async def steps(tx: Session, ledger: Ledger) -> Job:
            state, _, unwanted, *_ = await _locked(tx, job)
            new = after(state, JobStep.CANCEL)
            if state is JobState.RUNNING:
                await tx.run("queue_unwanted", job)
            else:
                await tx.run("queue_ended", job, new.value, by.at, "", "")
            found = await _found(tx, job)
            if not unwanted:
                ledger.event(EventKind.JOB_CANCELLED, found.place, subject=_subject(found))
            await tx.run("queue_move")
            return found

        return await self._engine.write(recorded(by, steps), changes=False, queue=True)

    async def retry(self, job: int, by: By) -> Job:
        async def steps(tx: Session, ledger: Ledger) -> Job:
            state, _, _, _, _, once = await _locked(tx, job)
            after(state, JobStep.AGAIN)
            other = await tx.one("queue_open", once)
            if other is not None:
                raise Conflict(f"job {other[0]} does the same, and has not ended", {"job": other[0]})
            await tx.run("queue_again", job, by.at, "", 0)
            found = await _found(tx, job)
            ledger.event(EventKind.JOB_ASKED, found.place, subject=_subject(found), detail="again")
            await tx.run("queue_move")
            return found

        return await self._engine.write(recorded(by, steps), changes=False, queue=True)


class SqlJobHistory:
    """See ports.queue.JobHistory."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def depths(self, now: int) -> tuple[Depth, ...]:
        return tuple(Depth(*row) for row in await self._engine.reader.all("queue_depths", now))

    async def forget(self, before: int, limit: int, *, done: Collection[str] = ()) -> int:
        async def script(tx: Session) -> int:
            if done:
                return len(await tx.all("queue_forget_done", before, limit, each(sorted(done))))
            return len(await tx.all("queue_forget", before, limit))

        return await self._engine.write(script, durable=False, changes=False)


def queue_on(engine: Engine) -> Queue:
    """Every role of the queue."""
    return Queue(SqlJobs(engine), SqlJobClaims(engine), SqlTimetable(engine), SqlJobHistory(engine))


def _subject(job: Job) -> str:
    return f"job {job.id} {job.kind}"


async def _locked(tx: Session, job: int) -> Row:
    """A job that nobody else changes until the transaction ends. Raises NotFound."""
    row = await tx.one("queue_lock", job)
    if row is None:
        raise NotFound(f"there is no job {job}; orlop jobs ls lists those there are", {"job": job})
    return (JobState(row[0]), *row[1:])


async def _found(tx: Session, job: int) -> Job:
    row = await tx.one("queue_get", job)
    assert row is not None
    return job_of(row)
