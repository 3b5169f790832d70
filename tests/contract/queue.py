"""What every driver keeps to about the queue (ports.queue)."""

from itertools import product

import pytest

from orlop.domain.access import SYSTEM
from orlop.domain.errors import Conflict, NotFound
from orlop.domain.job_kinds import JobKind
from orlop.domain.pages import PageRequest
from orlop.domain.queue import Job, JobState, JobStep, Order, Progress
from orlop.ports.catalog import By, Catalog
from orlop.ports.clock import SECOND
from orlop.ports.events import Changes
from orlop.ports.queue import Depth, Ending, Held, Planned, Queue
from tests.contract.changes import settled
from tests.contract.scene import START

NOW = START
LATER = NOW + 60 * SECOND
#: No lease of a minute ends later, unless a clock is wrong.
AHEAD = NOW + 120 * SECOND
ALICE, ORLOP = By("alice", NOW), By(SYSTEM.name, NOW)
FEW = JobKind(kind="few", text="", at_once=2, at_once_per_place=1, attempts=3)
MANY = JobKind(kind="many", text="", at_once=100, at_once_per_place=100, attempts=2)
KINDS = (FEW, MANY)
DONE = Ending(JobStep.FINISH, "well")


async def asked(queue: Queue, **order: object) -> Job:
    """A new job."""
    made = await queue.jobs.ask(Order(**{"kind": "many", **order}), ALICE)  # type: ignore[arg-type]
    assert made is not None
    return made


async def claimed(queue: Queue, owner: str = "one", *, now: int = NOW) -> Job | None:
    """What a process gets."""
    taken = await queue.claims.claim(KINDS, owner, now=now, until=now + 60 * SECOND)
    return taken[0] if taken else None


def held(job: Job | None, progress: Progress | None = None) -> Held:
    """As its process knows it."""
    assert job is not None
    return Held(job.id, job.fence, progress)


class JobsKit:
    """Needs the fixtures `queue`, an empty one, and `catalog`."""

    async def test_a_job_is_what_was_asked_for(self, queue: Queue) -> None:
        made = await asked(queue, arguments={"quick": True}, place="team", priority=3)
        assert made == await queue.jobs.get(made.id)
        assert (made.state, made.asked_by, made.asked_at, made.not_before) == (JobState.WAITING, "alice", NOW, NOW)
        assert (made.arguments, made.place, made.priority, made.attempts) == ({"quick": True}, "team", 3, 0)
        assert await queue.jobs.get(made.id + 1) is None

    async def test_there_is_one_of_those_that_there_is_once_until_it_has_ended(self, queue: Queue) -> None:
        first = await asked(queue, once="x")
        assert await queue.jobs.ask(Order(kind="many", once="x"), ALICE) is None
        taken = await claimed(queue)
        assert await queue.jobs.ask(Order(kind="many", once="x"), ALICE) is None
        await queue.claims.end(held(taken), Ending(JobStep.FAIL, error="no"), now=NOW)
        second = await asked(queue, once="x")
        with pytest.raises(Conflict):
            await queue.jobs.retry(first.id, ALICE)
        await queue.jobs.cancel(second.id, ALICE)
        assert (await queue.jobs.retry(first.id, ALICE)).state is JobState.WAITING

    async def test_lists_are_newest_first_by_state_and_kind(self, queue: Queue) -> None:
        jobs = [await asked(queue, kind=kind) for kind in ("few", "many", "few", "many")]
        await queue.jobs.cancel(jobs[0].id, ALICE)
        ids = [job.id for job in jobs]
        states, kinds = (None, JobState.WAITING, JobState.CANCELLED), ("", "few", "many")
        for state, kind in product(states, kinds):
            wanted = [
                job
                for number, job in enumerate(ids)
                if (state is None or (state is JobState.CANCELLED) == (number == 0))
                and (not kind or kind == ("few", "many")[number % 2])
            ]
            page = await queue.jobs.page(PageRequest(), state, kind)
            assert [job.id for job in page.items] == wanted[::-1]
        first = await queue.jobs.page(PageRequest(size=3))
        assert first.more
        rest = await queue.jobs.page(PageRequest(size=3, after=str(first.items[-1].id)))
        assert [job.id for job in (*first.items, *rest.items)] == ids[::-1]

    async def test_what_waits_is_cancelled_at_once_and_what_runs_is_told(self, queue: Queue) -> None:
        waiting = await asked(queue)
        assert (await queue.jobs.cancel(waiting.id, ALICE)).state is JobState.CANCELLED
        assert await claimed(queue) is None
        with pytest.raises(Conflict):
            await queue.jobs.cancel(waiting.id, ALICE)
        with pytest.raises(NotFound):
            await queue.jobs.cancel(waiting.id + 9, ALICE)
        await asked(queue)
        running = await claimed(queue)
        assert running is not None
        assert await queue.claims.kept([held(running)]) == ({running.id}, set())
        told = await queue.jobs.cancel(running.id, ALICE)
        assert (told.state, told.is_unwanted) == (JobState.RUNNING, True)
        assert await queue.claims.kept([held(running)]) == ({running.id}, {running.id})
        assert await queue.claims.end(held(running), Ending(JobStep.RETURN), now=NOW)
        found = await queue.jobs.get(running.id)
        assert found is not None
        assert found.state is JobState.CANCELLED

    async def test_only_what_failed_or_was_cancelled_is_tried_again_from_the_beginning(self, queue: Queue) -> None:
        job = await asked(queue)
        with pytest.raises(Conflict):
            await queue.jobs.retry(job.id, ALICE)
        await queue.claims.end(held(await claimed(queue)), Ending(JobStep.FAIL, error="no"), now=NOW + 1)
        failed = await queue.jobs.get(job.id)
        assert failed is not None
        assert (failed.state, failed.error, failed.attempts, failed.ended_at) == (JobState.FAILED, "no", 1, NOW + 1)
        again = await queue.jobs.retry(job.id, By("alice", NOW + 2))
        assert (again.state, again.error, again.attempts, again.ended_at) == (JobState.WAITING, "", 0, 0)
        await queue.claims.end(held(await claimed(queue, now=NOW + 2)), DONE, now=NOW + 3)
        with pytest.raises(Conflict):
            await queue.jobs.retry(job.id, ALICE)

    async def test_what_people_ask_and_cancel_is_an_event_and_what_the_registry_asks_is_none(
        self, queue: Queue, catalog: Catalog
    ) -> None:
        job = await asked(queue, place="team")
        await queue.jobs.ask(Order(kind="few"), ORLOP)
        await queue.jobs.cancel(job.id, ALICE)
        await queue.jobs.retry(job.id, ALICE)
        events = await catalog.outbox.events(0, 10)
        subject = f"job {job.id} many"
        assert [(event.kind, event.actor, event.repository, event.subject, event.detail) for event in events] == [
            ("job.asked", "alice", "team", subject, ""),
            ("job.cancelled", "alice", "team", subject, ""),
            ("job.asked", "alice", "team", subject, "again"),
        ]


class JobClaimsKit:
    """Needs the fixture `queue`: an empty one."""

    async def test_the_highest_priority_comes_first_then_the_earliest(self, queue: Queue) -> None:
        late = await asked(queue, not_before=NOW + 5)
        low, first, second = await asked(queue), await asked(queue, priority=1), await asked(queue, priority=1)
        assert [job.id for _ in range(3) if (job := await claimed(queue))] == [first.id, second.id, low.id]
        assert await claimed(queue) is None
        assert await queue.claims.next([MANY], latest=AHEAD) == NOW + 5
        taken = await claimed(queue, now=NOW + 5)
        assert taken is not None
        assert (taken.id, taken.state, taken.owner, taken.attempts) == (late.id, JobState.RUNNING, "one", 1)
        assert (taken.started_at, taken.lease_until) == (NOW + 5, NOW + 5 + 60 * SECOND)

    async def test_no_more_of_a_kind_run_than_may_in_all_and_at_a_place(self, queue: Queue) -> None:
        places = ["a", "a", "b", "c"]
        jobs = [await asked(queue, kind="few", place=place) for place in places]
        taken = [await claimed(queue, owner) for owner in ("one", "two", "three")]
        assert [job and job.place for job in taken] == ["a", "b", None]
        await queue.claims.end(held(taken[1]), DONE, now=NOW)
        third = await claimed(queue)
        assert third is not None
        assert third.id == jobs[3].id, "the second of a waits for the first, and holds up nobody"

    async def test_many_are_taken_at_once_and_no_more_than_may_run(self, queue: Queue) -> None:
        for place in ("a", "a", "b", "c"):
            await asked(queue, kind="few", place=place)
        many = [await asked(queue) for _ in range(4)]
        taken = await queue.claims.claim(KINDS, "one", now=NOW, until=LATER, limit=5)
        assert [(job.kind, job.place) for job in taken] == [("few", "a"), ("few", "b"), *[("many", "")] * 3]
        rest = await queue.claims.claim(KINDS, "two", now=NOW, until=LATER, limit=5)
        assert [job.id for job in rest] == [many[3].id]

    async def test_a_kind_that_a_process_does_not_do_is_left_to_others(self, queue: Queue) -> None:
        await asked(queue, kind="few")
        assert await queue.claims.next([MANY], latest=AHEAD) is None
        assert await queue.claims.claim([MANY], "one", now=NOW, until=LATER) == ()
        assert await claimed(queue) is not None

    async def test_what_its_process_says_counts_only_with_its_fence(self, queue: Queue) -> None:
        await asked(queue)
        first = await claimed(queue)
        assert first is not None
        assert await queue.claims.next(KINDS, latest=AHEAD) == LATER
        second = await claimed(queue, "two", now=LATER)
        assert second is not None
        assert (second.id, second.attempts) == (first.id, 2)
        assert second.fence > first.fence
        told = held(first, Progress(5, 9, "rows", "late"))
        assert await queue.claims.beat([told], now=LATER, until=LATER + 9) == set()
        assert await queue.claims.kept([told]) == (set(), set())
        assert not await queue.claims.end(told, Ending(JobStep.FINISH, "late"), now=LATER)
        assert await queue.jobs.get(first.id) == second
        assert await queue.claims.end(held(second), DONE, now=LATER)
        assert not await queue.claims.end(held(second), DONE, now=LATER)

    async def test_a_sign_of_life_moves_the_lease_and_tells_progress(self, queue: Queue) -> None:
        await asked(queue)
        job = await claimed(queue)
        assert job is not None
        progress = Progress(5, 9, "rows", "half")
        assert await queue.claims.beat([held(job, progress)], now=NOW + 1, until=LATER + 9) == {job.id}
        assert await queue.claims.beat([held(job)], now=NOW + 2, until=LATER + 10) == {job.id}
        found = await queue.jobs.get(job.id)
        assert found is not None
        assert (found.progress, found.lease_until, found.beat_at) == (progress, LATER + 10, NOW + 2)
        assert await claimed(queue, now=LATER + 9) is None

    async def test_a_job_whose_process_dies_every_time_fails(self, queue: Queue) -> None:
        job = await asked(queue)
        for attempt in range(MANY.attempts):
            assert await claimed(queue, now=NOW + attempt * 60 * SECOND) is not None
        assert await claimed(queue, now=LATER + 60 * SECOND) is None
        found = await queue.jobs.get(job.id)
        assert found is not None
        assert (found.state, found.attempts) == (JobState.FAILED, 2)
        assert "without a word" in found.error

    async def test_a_lease_that_a_clock_far_ahead_wrote_keeps_nobody_from_a_job(self, queue: Queue) -> None:
        job = await asked(queue)
        await claimed(queue, now=LATER)
        assert await queue.claims.next(KINDS, latest=AHEAD) == AHEAD, "a minute ahead is no wrong clock"
        assert await claimed(queue, "two") is None
        await queue.claims.beat([Held(job.id, 1)], now=LATER, until=AHEAD + 1)
        assert await queue.claims.next(KINDS, latest=AHEAD) == 0
        taken = await claimed(queue, "two")
        assert taken is not None
        assert (taken.id, taken.fence, taken.owner) == (job.id, 2, "two")
        assert not await queue.claims.end(Held(job.id, 1), DONE, now=NOW + 2), "whoever had it has lost it"

    async def test_a_cancelled_job_whose_process_died_does_not_begin_again(self, queue: Queue) -> None:
        job = await asked(queue)
        await claimed(queue)
        await queue.jobs.cancel(job.id, ALICE)
        assert await claimed(queue, now=LATER) is None
        found = await queue.jobs.get(job.id)
        assert found is not None
        assert found.state is JobState.CANCELLED

    async def test_what_is_handed_back_was_not_tried_and_what_failed_waits(self, queue: Queue) -> None:
        job = await asked(queue)
        await queue.claims.end(held(await claimed(queue)), Ending(JobStep.RETURN), now=NOW)
        taken = await claimed(queue)
        assert taken is not None
        assert taken.attempts == 1
        await queue.claims.end(held(taken), Ending(JobStep.RETRY, error="no", not_before=NOW + 7), now=NOW)
        assert await claimed(queue, now=NOW + 6) is None
        found = await queue.jobs.get(job.id)
        assert found is not None
        assert (found.state, found.error) == (JobState.WAITING, "no")
        assert await claimed(queue, now=NOW + 7) is not None


class TimetableKit:
    """Needs the fixture `queue`: an empty one."""

    async def test_a_plan_is_written_by_whoever_read_the_last_one(self, queue: Queue) -> None:
        first, second = Planned("few", "{}", NOW), Planned("few", "{}", LATER, NOW)
        assert await queue.timetable.plan(None, first)
        assert not await queue.timetable.plan(None, second)
        assert await queue.timetable.all() == (first,)
        order = Order(kind="few", once="few")
        assert await queue.timetable.run(first, second, order, ORLOP)
        assert not await queue.timetable.run(first, second, order, ORLOP)
        assert await queue.timetable.all() == (second,)
        assert len((await queue.jobs.page(PageRequest())).items) == 1
        assert await queue.timetable.run(second, Planned("few", "{}", LATER + 9, LATER), order, ORLOP)
        assert len((await queue.jobs.page(PageRequest())).items) == 1, "the one before it has not ended"


class JobHistoryKit:
    """Needs the fixture `queue`: an empty one."""

    async def test_depths_are_by_kind(self, queue: Queue) -> None:
        assert await queue.history.depths(NOW) == ()
        for later in (0, 3, 9):
            await asked(queue, not_before=NOW + later)
        await claimed(queue)
        await asked(queue, kind="few", not_before=NOW + 9)
        found = await queue.history.depths(NOW + 5)
        assert set(found) == {Depth("few", 1, 0, 0, None), Depth("many", 2, 1, 0, NOW + 3)}
        await queue.claims.end(Held(1, 1), Ending(JobStep.FAIL, error="no"), now=NOW + 5)
        assert set(await queue.history.depths(NOW + 5)) >= {Depth("many", 2, 0, 1, NOW + 3)}

    async def test_what_ended_is_forgotten_in_time_and_nothing_else(self, queue: Queue) -> None:
        waiting = await asked(queue, not_before=LATER)
        for ending in (DONE, DONE, Ending(JobStep.FAIL, error="no")):
            await asked(queue)
            await queue.claims.end(held(await claimed(queue)), ending, now=NOW + 5)
        assert await queue.history.forget(NOW + 5, 10) == 0
        assert await queue.history.forget(NOW + 6, 10, done=["few"]) == 0
        assert await queue.history.forget(NOW + 6, 1, done=["few", "many"]) == 1
        assert await queue.history.forget(NOW + 6, 10, done=["many"]) == 1
        assert await queue.history.forget(NOW + 6, 10) == 1
        assert [job.id for job in (await queue.jobs.page(PageRequest())).items] == [waiting.id]


class QueueChangesKit:
    """Needs the fixtures `queue`, an empty one, and `queue_changes`, its counter."""

    async def test_what_gives_somebody_something_to_do_moves_the_count(
        self, queue: Queue, queue_changes: Changes
    ) -> None:
        count = await settled(queue_changes)
        job = await asked(queue)
        assert queue_changes.current() != count
        count = await settled(queue_changes)
        await queue.jobs.get(job.id)
        taken = await claimed(queue)
        await queue.claims.beat([held(taken)], now=NOW, until=LATER)
        assert await settled(queue_changes) == count
        await queue.jobs.cancel(job.id, ALICE)
        assert queue_changes.current() != count
        count = await settled(queue_changes)
        await queue.claims.end(held(taken), Ending(JobStep.CANCEL), now=NOW)
        assert queue_changes.current() != count
