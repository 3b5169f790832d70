"""The job that matches advisories with packages."""

from collections.abc import Awaitable, Callable

from orlop.domain.durations import MINUTE
from orlop.domain.job_kinds import MATCHING
from orlop.domain.queue import Progress
from orlop.services.advisories.matching import Matched, Matching
from orlop.services.jobs.work import Run, Work


def matching(service: Matching, *matched: Callable[[], Awaitable[None]]) -> Work:
    """Every minute, until nothing waits; `matched` are called where something did."""

    async def do(run: Run) -> str:
        done = Matched()
        while True:
            step = await service.step()
            if not step.advisories and not step.packages:
                await service.tell()
                if done.advisories or done.packages:
                    for told in matched:
                        await told()
                return f"{done.advisories} advisories and {done.packages} packages matched, {done.new} new findings"
            done = done.joined(step)
            run.tell(Progress(done.advisories + done.packages, 0, "matched"))

    return Work(MATCHING, do, MINUTE)
