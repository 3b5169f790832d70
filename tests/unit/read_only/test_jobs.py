"""No job runs while the registry is read-only, and none is lost."""

import asyncio

import structlog

from orlop.domain.errors import StoreRefusesWrites
from orlop.domain.queue import JobState
from orlop.services.jobs.work import Run
from tests.unit.worker.office import Office, work


async def test_a_job_that_runs_is_handed_back_and_done_afterwards() -> None:
    office, begun, broken_off = Office(), asyncio.Event(), [0]

    async def long(_: Run) -> str:
        begun.set()
        try:
            await asyncio.sleep(0 if broken_off[0] else 3600)
        except asyncio.CancelledError:
            broken_off[0] += 1
            raise
        return "stirred"

    job = await office.ask()
    jobs = office.jobs([work(long)])
    jobs.start()
    await asyncio.wait_for(begun.wait(), 10)
    office.pause = 0
    other = await office.ask()  # whatever changes has it look
    back = await office.state(job.id, JobState.WAITING)
    assert broken_off == [1]
    assert (await office.job(other.id)).state is JobState.WAITING
    assert back.error == ""
    office.pause = None
    await office.ask()
    await office.state(job.id, JobState.DONE)
    await office.state(other.id, JobState.DONE)
    await jobs.stop()


FULL = StoreRefusesWrites("storing the image failed: the disk is full; the registry's operator has to look")


async def test_a_job_to_which_a_store_takes_no_write_is_handed_back_and_the_registry_read_only() -> None:
    office, begun = Office(), [0]
    beginning = asyncio.Event()

    async def full(_: Run) -> str:
        begun[0] += 1
        beginning.set()
        if office.refusal is not None:
            raise office.refusal
        return "stirred"

    office.refusal = FULL
    job = await office.ask()
    jobs = office.jobs([work(full, attempts=1)])
    with structlog.testing.capture_logs():
        jobs.start()
        await asyncio.wait_for(beginning.wait(), 10)
        back = await office.state(job.id, JobState.WAITING)
        assert (back.attempts, back.error) == (0, "")
        assert office.writes.reason == "storing the image failed: the disk is full"
        await office.ask()  # whatever changes has it look
        await asyncio.sleep(0.05)
        assert begun == [1], "no job begins meanwhile"
        office.refusal = None
        async with asyncio.timeout(10):
            while office.writes.reason:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)
        await office.ask()
        await office.state(job.id, JobState.DONE)
        await jobs.stop()
    await office.writes.close()


async def test_a_job_that_alone_does_not_fit_has_failed() -> None:
    office = Office()

    async def large(_: Run) -> str:
        raise FULL

    job = await office.ask()
    jobs = office.jobs([work(large, attempts=1)])
    with structlog.testing.capture_logs():
        jobs.start()
        assert (await office.state(job.id, JobState.FAILED)).error == FULL.message
        await jobs.stop()
    assert office.writes.reason == ""
