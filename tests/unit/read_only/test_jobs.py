"""No job runs while the registry is read-only, and none is lost."""

import asyncio

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
