"""How far scrub came, and the job that goes on with it."""

from collections.abc import Awaitable, Callable

from orlop.domain.counts import counted
from orlop.domain.job_kinds import SCRUB
from orlop.domain.queue import Progress
from orlop.ports.catalog import Totals
from orlop.ports.clock import HOUR
from orlop.ports.scrub import ScrubPass
from orlop.services.jobs.work import Run, Work
from orlop.services.stores.scrub import Scrub


def scrubbed_so_far(found: ScrubPass, totals: Totals) -> Progress:
    """How far a pass came, by bytes."""
    return Progress(
        found.size, totals.blob_bytes, "bytes", f"{counted(found.blobs, 'blob')} read, {found.rotten} damaged"
    )


def scrubbing(scrub: Scrub, totals: Callable[[], Awaitable[Totals]]) -> Work:
    """The job: it goes on where the one before it stopped, and does nothing until the next pass is due."""

    async def go_on(run: Run) -> str:
        there = await totals()
        found = await scrub.run(lambda so_far: run.tell(scrubbed_so_far(so_far, there)))
        state = "under way" if found.is_under_way else "done"
        return (
            f"the pass is {state}: {counted(found.blobs, 'blob')} of {counted(found.size, 'byte')} read,"
            f" {found.rotten} damaged,"
            f" {found.failed} could not be read"
        )

    return Work(SCRUB, go_on, HOUR)
