"""The jobs that keep the history of usage, and that count anew."""

from orlop.domain.counts import counted
from orlop.domain.durations import DAY
from orlop.domain.job_kinds import USAGE_HISTORY, USAGE_RECOUNT
from orlop.domain.queue import Progress
from orlop.ports.clock import HOUR, Clock
from orlop.ports.usage import UsageKeeping
from orlop.services.jobs.work import Run, Work, plain

#: For how many days the history is kept.
KEPT_DAYS = 400
#: Blobs whose holders are counted anew in one transaction, which keeps others from linking them meanwhile.
_STEP = 2_000


def recording(keeping: UsageKeeping, clock: Clock) -> Work:
    """The job that writes down what every node has: the last of a day is what counts for it."""

    async def record() -> str:
        day = clock.now() // DAY
        return f"{counted(await keeping.record(day, day - KEPT_DAYS), 'namespace')} written down"

    return Work(USAGE_HISTORY, plain(record), HOUR)


def recounting(keeping: UsageKeeping) -> Work:
    """The job that counts anew; it does not run by itself."""

    async def recount(run: Run) -> str:
        wrong, end = 0, await keeping.last_blob() + 1
        for first in range(0, end, _STEP):
            wrong += await keeping.recount_blobs(first, min(first + _STEP, end))
            run.tell(Progress(min(first + _STEP, end), end, "blobs", f"{wrong} numbers were wrong"))
        nodes = await keeping.recount_nodes()
        return f"{wrong} numbers of holders and {counted(nodes, 'namespace')} were wrong, and are right now"

    return Work(USAGE_RECOUNT, recount)
