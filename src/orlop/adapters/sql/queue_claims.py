"""The queue to those who do jobs: whose turn it is, who has it, and when kinds run by themselves."""

from collections import Counter
from collections.abc import Sequence

from orlop.adapters.sql.engine import Engine, Row, Session
from orlop.adapters.sql.queue_rows import inserted, job_of
from orlop.adapters.sql.records import each
from orlop.domain.job_kinds import JobKind
from orlop.domain.leases import latest
from orlop.domain.queue import Job, JobState, JobStep, Order, after
from orlop.ports.catalog import By
from orlop.ports.queue import Ending, Held, Planned

#: As much of a result or an error as is kept, in characters.
_LONGEST = 4_000


class SqlJobClaims:
    """See ports.queue.JobClaims."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def next(self, kinds: Sequence[JobKind], *, latest: int) -> int | None:
        names, reader = _names(kinds), self._engine.reader
        rows = await reader.one("queue_next_waiting", names), await reader.one("queue_next_dead", names, latest)
        return min((row[0] for row in rows if row is not None and row[0] is not None), default=None)

    async def claim(
        self, kinds: Sequence[JobKind], owner: str, *, now: int, until: int, limit: int = 1
    ) -> tuple[Job, ...]:
        async def script(tx: Session) -> tuple[Job, ...]:
            await tx.one("queue_turn")
            await _take_back(tx, kinds, now, latest(now, until - now))
            room = _Room(kinds, await tx.all("queue_running"))
            chosen: list[int] = []
            found = True
            while found and len(chosen) < limit:
                keys = now, each(room.free()), each(room.busy()), limit
                due = [row for row in await tx.all("queue_due", *keys) if row[0] not in chosen]
                more = [job for job, kind, place in due[: limit - len(chosen)] if room.taken(kind, place)]
                chosen, found = chosen + more, bool(more)
            if not chosen:
                return ()
            state = after(JobState.WAITING, JobStep.CLAIM)
            rows = await tx.all("queue_claim", each(chosen), state.value, owner, until, now)
            return tuple(sorted(map(job_of, rows), key=lambda job: chosen.index(job.id)))

        # Durable: a database that forgets a claim in a crash, which its holder survives, would give a fence twice.
        return await self._engine.write(script, changes=False)

    async def beat(self, held: Sequence[Held], *, now: int, until: int) -> frozenset[int]:
        async def script(tx: Session) -> frozenset[int]:
            kept = await tx.all("queue_beat", each([f"{one.id} {one.fence}" for one in held]), until, now)
            news = [(one.id, one.fence, one.progress) for one in held if one.progress is not None]
            if news:
                rows = [(*key, told.done, told.total, told.unit, told.text[:_LONGEST]) for *key, told in news]
                await tx.many("queue_progress", rows)
            return frozenset(job for (job,) in kept)

        return await self._engine.write(script, durable=False, changes=False)

    async def kept(self, held: Sequence[Held]) -> tuple[frozenset[int], frozenset[int]]:
        fences = {one.id: one.fence for one in held}
        rows = await self._engine.reader.all("queue_kept", each(sorted(fences)))
        kept = [(job, unwanted) for job, fence, unwanted in rows if fences[job] == fence]
        return frozenset(job for job, _ in kept), frozenset(job for job, unwanted in kept if unwanted)

    async def end(self, held: Held, ending: Ending, *, now: int) -> bool:
        async def script(tx: Session) -> bool:
            row = await tx.one("queue_lock", held.id)
            if row is None or row[0] != JobState.RUNNING or row[1] != held.fence:
                return False
            await _end(tx, held.id, ending, now, unwanted=bool(row[2]), attempts=row[3])
            if held.progress is not None:
                told = held.progress
                await tx.run("queue_last_progress", held.id, told.done, told.total, told.unit, told.text[:_LONGEST])
            await tx.run("queue_move")
            return True

        return await self._engine.write(script, changes=False, queue=True)


async def _end(tx: Session, job: int, ending: Ending, now: int, *, unwanted: bool, attempts: int) -> None:
    """Have a job that ran take a step. What nobody wants any more does not begin again."""
    step = ending.step
    if unwanted and step in (JobStep.RETRY, JobStep.RETURN):
        step = JobStep.CANCEL
    state = after(JobState.RUNNING, step)
    if state is JobState.WAITING:
        begun = attempts - 1 if step is JobStep.RETURN else attempts
        await tx.run("queue_again", job, ending.not_before or now, ending.error[:_LONGEST], begun)
    else:
        await tx.run("queue_ended", job, state.value, now, ending.result[:_LONGEST], ending.error[:_LONGEST])


async def _take_back(tx: Session, kinds: Sequence[JobKind], now: int, latest: int) -> None:
    """Take jobs back whose processes have given no sign of life for too long. Such a try counts, so that a job that
    kills its process does not do so for ever."""
    attempts_of = {kind.kind: kind.attempts for kind in kinds}
    for job, unwanted, attempts, kind in await tx.all("queue_dead", now, _names(kinds), latest):
        last = attempts >= attempts_of[kind]
        step = JobStep.FAIL if last else JobStep.RETRY
        ending = Ending(step, error="its process ended, or stood still, without a word")
        await _end(tx, job, ending, now, unwanted=bool(unwanted), attempts=attempts)


class _Room:
    """How many more of each kind may run, in all and at each place."""

    def __init__(self, kinds: Sequence[JobKind], running: Sequence[Row]) -> None:
        self._kinds = {kind.kind: kind for kind in kinds}
        self._of_kinds = Counter(kind for kind, _ in running)
        self._at_places = Counter((kind, place) for kind, place in running if place and kind in self._kinds)

    def free(self) -> list[str]:
        """Kinds of which one more may run."""
        return [name for name, kind in self._kinds.items() if self._of_kinds[name] < kind.at_once]

    def busy(self) -> list[str]:
        """Kinds with places about which no more of them may run."""
        counts = self._at_places.items()
        return [f"{kind} {place}" for (kind, place), count in counts if count >= self._kinds[kind].at_once_per_place]

    def taken(self, kind: str, place: str) -> bool:
        """Whether one more may run; then it does."""
        declared = self._kinds[kind]
        if self._of_kinds[kind] >= declared.at_once:
            return False
        if place and self._at_places[kind, place] >= declared.at_once_per_place:
            return False
        self._of_kinds[kind] += 1
        if place:
            self._at_places[kind, place] += 1
        return True


def _names(kinds: Sequence[JobKind]) -> str:
    return each([kind.kind for kind in kinds])


class SqlTimetable:
    """See ports.queue.Timetable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def all(self) -> tuple[Planned, ...]:
        return tuple(Planned(*row) for row in await self._engine.reader.all("queue_plans"))

    async def plan(self, before: Planned | None, after: Planned) -> bool:
        async def script(tx: Session) -> bool:
            return await _planned(tx, before, after)

        return await self._engine.write(script, durable=False, changes=False)

    async def run(self, before: Planned | None, after: Planned, order: Order, by: By) -> bool:
        async def script(tx: Session) -> bool:
            if not await _planned(tx, before, after):
                return False
            if await inserted(tx, order, by) is not None:
                await tx.run("queue_move")
            return True

        return await self._engine.write(script, durable=False, changes=False, queue=True)


async def _planned(tx: Session, before: Planned | None, after: Planned) -> bool:
    row = await tx.one("queue_plan_lock", after.kind)
    if (Planned(*row) if row is not None else None) != before:
        return False
    statement = "queue_plan_insert" if before is None else "queue_plan_update"
    await tx.run(statement, after.kind, after.schedule, after.next_at, after.last_at)
    return True
