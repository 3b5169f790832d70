"""The work in the background: one process at a time does a job, pull times are written, a lost lease ends the work."""

import asyncio

import structlog

from orlop.domain.durations import MINUTE
from orlop.domain.errors import Unavailable
from orlop.domain.queue import FIRST_PAUSE, JobState, Progress
from orlop.ports.catalog import Pull
from orlop.ports.clock import HOUR, SECOND
from orlop.services.jobs.history import forgetting
from orlop.services.jobs.lasting_work import LastingWork
from orlop.services.jobs.work import Run
from orlop.services.jobs.worker import Chore, Worker
from tests.catalogs import rows
from tests.content import image
from tests.contract.scene import APP, V1
from tests.serving import PATIENCE, unhurried
from tests.unit.worker.office import Office, kind, work

ONE = image("one", ["base", "code"])


async def test_what_runs_by_itself_runs_once_however_many_processes_there_are() -> None:
    office = Office()
    await office.day(office.worker(), office.worker(), office.worker())
    assert len(office.runs) == 1
    assert [(job.kind, job.state, job.asked_by) for job in await office.all()] == [
        ("expire-uploads", JobState.DONE, "orlop"),
        ("collection", JobState.DONE, "orlop"),
    ]


async def test_a_job_is_not_due_again_before_its_interval_is_over() -> None:
    office = Office()
    await office.day(office.worker())
    office.clock.at += HOUR - 1
    await office.day(office.worker())
    assert len(office.runs) == 1
    office.clock.at += 1
    await office.day(office.worker())
    assert len(office.runs) == 2


async def test_what_was_pulled_is_written_before_the_worker_ends() -> None:
    office = Office()
    await office.registry.push(APP, ONE, V1)
    worker = office.worker()
    worker.start()
    await asyncio.sleep(0.01)
    office.clock.at += 5
    [(row,)] = rows(office.rows, "SELECT id FROM manifests")
    office.pulls.seen(Pull(APP, ONE.digest, V1, row))
    office.pulls.seen(Pull(APP, ONE.digest, V1, row), counted=False)
    await worker.stop()
    pulled = rows(office.rows, "SELECT pulls, pulled_at FROM pulls WHERE tag = ?", V1)
    assert pulled == [(1, office.clock.at)]


async def test_a_defect_in_one_step_is_told_and_ends_nothing_else() -> None:
    office, steps = Office(), [0]

    async def defective() -> None:
        steps[0] += 1
        raise TypeError("a defect")

    async def never(_: Run) -> str:
        raise TypeError("another")

    standing = LastingWork("stand", lambda _lease: defective(), office.leases, office.clock, "one", every=0.01)
    jobs = office.jobs((work(never, every=HOUR), *office.works()))
    worker = Worker(jobs, [Chore("steps", 0.01, defective)], [standing])
    with structlog.testing.capture_logs() as log:
        await office.day(worker)
    assert steps[0] > 3, "both went on"
    assert len(office.runs) == 1, "and what is behind the defective job is done"
    errors = [entry["event"] for entry in log if entry["log_level"] == "error"]
    assert len(errors) == steps[0] + 1
    assert "a job failed" in errors
    [failed] = [job for job in await office.all() if job.kind == "stir"]
    assert (failed.state, failed.error) == (JobState.WAITING, "the registry failed; its log says why")


async def test_a_chore_that_fails_is_done_again_and_holds_up_no_other() -> None:
    office, tries, others = Office(), [], []

    async def failing() -> None:
        tries.append(1)
        raise Unavailable("not now")

    async def other() -> None:
        others.append(1)

    await office.day(Worker(None, [Chore("failing", 0.01, failing), Chore("other", 0.01, other)]))
    assert len(tries) > 1
    assert len(others) > 1


class Slow:
    """Work that goes on until it is told to end, and counts how often it began and was broken off."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.enough = asyncio.Event()
        self.runs: list[Run] = []
        self.broken = 0

    async def do(self, run: Run) -> str:
        """See Work."""
        self.runs.append(run)
        self.begun.set()
        try:
            await self.enough.wait()
        except asyncio.CancelledError:
            self.broken += 1
            raise
        return f"with fence {run.fence}"


async def test_a_job_that_is_cancelled_ends_within_a_second() -> None:
    office, slow = Office(), Slow()
    job = await office.ask()
    worker = office.worker([work(slow.do)])
    worker.start()
    await asyncio.wait_for(slow.begun.wait(), PATIENCE)
    asked = asyncio.get_running_loop().time()
    await office.queue.jobs.cancel(job.id, office.by())
    await office.state(job.id, JobState.CANCELLED)
    assert asyncio.get_running_loop().time() - asked < unhurried(1)
    assert slow.broken == 1
    await worker.stop()
    assert office.ended == [("stir", "cancel")]


async def test_a_new_job_begins_without_anybody_looking_at_the_clock() -> None:
    office, slow = Office(), Slow()
    worker = office.worker([work(slow.do)])
    worker.start()
    await asyncio.sleep(0.3)
    await office.ask()
    await asyncio.wait_for(slow.begun.wait(), PATIENCE)
    await worker.stop()


async def test_a_process_that_ends_hands_its_jobs_to_the_next() -> None:
    office, first, second = Office(), Slow(), Slow()
    job = await office.ask()
    worker, other = office.worker([work(first.do)]), office.worker([work(second.do)])
    worker.start()
    await asyncio.wait_for(first.begun.wait(), PATIENCE)
    await worker.stop()
    assert (first.broken, (await office.job(job.id)).attempts) == (1, 0)
    second.enough.set()
    other.start()
    done = await office.state(job.id, JobState.DONE)
    await other.stop()
    assert (done.result, done.attempts) == ("with fence 2", 1)


async def test_a_process_that_stood_still_changes_nothing() -> None:
    """It has the job no longer by the time that it goes on, and what it says of it then is not kept."""
    office, first, second = Office(), Slow(), Slow()
    job = await office.ask()
    frozen, other = office.jobs([work(first.do)]), office.worker([work(second.do)])
    frozen.start()
    await asyncio.wait_for(first.begun.wait(), PATIENCE)
    looking = frozen._looking
    assert looking is not None
    looking.cancel()  # it gives no sign of life any more
    office.clock.at += 2 * office.lease
    second.enough.set()
    other.start()
    done = await office.state(job.id, JobState.DONE)
    assert (done.result, done.attempts) == ("with fence 2", 2)
    first.enough.set()
    await asyncio.sleep(0.05)
    assert await office.job(job.id) == done
    assert office.ended == [("stir", "finish")]
    await other.stop()


async def test_a_process_that_stood_still_may_take_the_same_job_again() -> None:
    """While what it lost is still coming to its end: each of them is looked after as long as it goes on."""
    office, runs, enough, closing = Office(), [], asyncio.Event(), asyncio.Event()

    async def slow_to_end(run: Run) -> str:
        runs.append(run)
        try:
            await enough.wait()
        except asyncio.CancelledError:
            await closing.wait()
            raise
        return f"with fence {run.fence}"

    job = await office.ask()
    worker = office.worker([work(slow_to_end)])
    worker.start()
    await begun(runs, 1)
    office.clock.at += 2 * office.lease
    await begun(runs, 2)
    closing.set()
    await asyncio.sleep(0.05)
    office.clock.at += office.lease // 2
    runs[1].tell(Progress(1, 2, "things"))
    async with asyncio.timeout(PATIENCE):
        while (await office.job(job.id)).progress.done != 1:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
    enough.set()
    done = await office.state(job.id, JobState.DONE)
    assert (done.result, done.attempts) == ("with fence 2", 2)
    await worker.stop()


async def begun(runs: list[Run], times: int) -> None:
    """Wait until work has begun so often."""
    async with asyncio.timeout(PATIENCE):
        while len(runs) < times:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)


async def test_work_that_tells_its_progress_notices_by_itself_that_it_stood_still() -> None:
    office, told = Office(), []

    async def telling(run: Run) -> str:
        run.tell(Progress(1, 2, "things"))
        office.clock.at += office.lease
        told.append(run.fence)
        run.tell(Progress(2, 2, "things"))
        return "done"

    job = await office.ask()
    await office.day(office.worker([work(telling)]))
    found = await office.job(job.id)
    assert told == [1]
    assert (found.state, found.progress.done) == (JobState.WAITING, 1)
    assert "signs of life" in found.error


async def test_a_job_that_fails_is_tried_again_after_longer_and_longer_pauses() -> None:
    office, tries = Office(), []

    async def failing(_: Run) -> str:
        tries.append(office.clock.at)
        raise Unavailable("not now")

    job = await office.ask()
    for expected in (FIRST_PAUSE // 2, FIRST_PAUSE):
        await office.day(office.worker([work(failing)]))
        found = await office.job(job.id)
        assert (found.state, found.error) == (JobState.WAITING, "not now")
        assert found.not_before - office.clock.at == expected
        office.clock.at = found.not_before
    await office.day(office.worker([work(failing)]))
    assert len(tries) == 3
    assert (await office.job(job.id)).state is JobState.FAILED
    assert [how for _, how in office.ended] == ["retry", "retry", "fail"]


async def test_signs_of_life_keep_a_job_and_tell_how_far_it_came() -> None:
    office, slow = Office(lease=3 * SECOND), Slow()
    job = await office.ask()
    worker = office.worker([work(slow.do)])
    worker.start()
    await asyncio.wait_for(slow.begun.wait(), PATIENCE)
    for step in range(1, 5):
        slow.runs[0].tell(Progress(step, 4, "steps", f"at {step}"))
        office.clock.at += SECOND
        async with asyncio.timeout(PATIENCE):
            while (await office.job(job.id)).progress.done != step:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)
    found = await office.job(job.id)
    assert (found.state, found.lease_until) == (JobState.RUNNING, office.clock.at + office.lease)
    slow.enough.set()
    await office.state(job.id, JobState.DONE)
    await worker.stop()


async def test_a_clock_that_is_set_back_holds_up_nothing() -> None:
    office, slow = Office(), Slow()
    worker = office.worker([work(slow.do, every=HOUR)])
    worker.start()
    await asyncio.wait_for(slow.begun.wait(), PATIENCE)
    [job] = await office.all()
    office.clock.at -= 24 * HOUR
    async with asyncio.timeout(PATIENCE):
        while (await office.job(job.id)).lease_until > office.clock.at + office.lease:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
    slow.enough.set()
    await office.state(job.id, JobState.DONE)
    office.clock.at -= 24 * HOUR
    await asyncio.sleep(0.5)  # it is looked several times a second
    office.clock.at += HOUR
    async with asyncio.timeout(PATIENCE):
        while len(await office.all()) == 1:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
    await worker.stop()


async def test_a_process_does_a_few_jobs_side_by_side_and_then_the_next() -> None:
    office, running, most = Office(), [0], [0]

    async def busy(_: Run) -> str:
        running[0] += 1
        most[0] = max(most[0], running[0])
        await asyncio.sleep(0.01)
        running[0] -= 1
        return ""

    many = work(busy)
    many = type(many)(kind(at_once=100), many.do)
    for _ in range(20):
        await office.ask()
    worker = office.worker([many])
    worker.start()
    async with asyncio.timeout(PATIENCE):
        while len(office.ended) < 20:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
    await worker.stop()
    assert most == [4]


async def test_jobs_are_forgotten_after_a_while_and_what_runs_every_minute_sooner() -> None:
    office = Office()
    works = office.works()
    await office.day(office.worker(works))
    forget = forgetting(office.queue.history, [each.kind for each in works], office.clock, keep=24 * HOUR)
    office.clock.at += HOUR + 1
    await office.day(office.worker([forget]))
    assert [job.kind for job in await office.all()] == ["collection", "forget-jobs"]
    office.clock.at += 24 * HOUR + 1
    await office.day(office.worker([forget]))
    assert [job.asked_at for job in await office.all()] == [office.clock.at]


async def test_lasting_work_begins_soon_when_there_is_news_or_it_is_called() -> None:
    office, steps, count = Office(), [0], [0]

    async def step(_lease: object) -> None:
        steps[0] += 1

    work = LastingWork("stand", step, office.leases, office.clock, "one", every=30.0, news=lambda: count[0])
    work.start()

    async def stepped(times: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while steps[0] < times:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)

    await stepped(1)
    await asyncio.sleep(0.6)
    assert steps[0] == 1, "without news it waits"
    count[0] += 1
    await stepped(2)
    work.call()
    await stepped(3)
    await asyncio.sleep(0.3)
    assert steps[0] == 3
    await work.stop()


async def test_what_ends_lasting_work_is_done_while_the_lease_is_held() -> None:
    office, held = Office(), []

    async def step(_lease: object) -> None:
        pass

    async def last() -> None:
        other = await office.leases.acquire("stand", "two", now=office.clock.now(), until=office.clock.now() + MINUTE)
        held.append(other is None)

    work = LastingWork("stand", step, office.leases, office.clock, "one", last=last)
    work.start()
    await asyncio.sleep(0.05)
    await work.stop()
    assert held == [True]
    assert await office.leases.acquire("stand", "two", now=office.clock.now(), until=office.clock.now() + MINUTE)
