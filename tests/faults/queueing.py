"""A program whose processes do jobs of the queue until they are told to end, or killed.

Started as `python -m tests.faults.queueing PLACE EFFECTS LEASE`: the catalog in a folder or in a database; the file to
which each job adds a line with its number and its fence, which is all that it does; and how long a job is leased, in
milliseconds. It reads `begin`, and answers with the number of a new process, which takes no time to start; and `end
NUMBER`, and answers how that process ended.
"""

import asyncio
import os
import random
import signal
import sys
import traceback
from pathlib import Path

from orlop.adapters.sql.catalog import OpenCatalog, open_sqlite
from orlop.adapters.sql.postgres.catalog import open_postgres
from orlop.adapters.sql.postgres.connections import Database
from orlop.bootstrap.clocks import RandomIds, SystemClock
from orlop.domain.job_kinds import JobKind
from orlop.domain.queue import Progress
from orlop.services.jobs.queue import JobWorker
from orlop.services.jobs.schedules import Schedules
from orlop.services.jobs.work import Run, Work
from tests.postgres import SURROUNDINGS

#: Takes the time that its arguments say, and then has its effect. One that a kill hits is tried as often as it takes.
WAIT = JobKind(kind="wait", text="", at_once=1_000, attempts=1_000)
#: Jobs that a process does side by side.
AT_ONCE = 60
#: The pause between two signs that a job lives, in seconds.
_SLICE = 0.02


def opened_at(place: str) -> OpenCatalog:
    """The catalog in a folder, or in a database; it has its tables."""
    if place.startswith("postgresql:"):
        return open_postgres(Database(place), None, [0], 0, SURROUNDINGS)
    return open_sqlite(Path(place))


async def work(place: str, effects: Path, lease: int) -> None:
    """Do jobs until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    file = os.open(effects, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def wait(run: Run) -> str:
        slices = int(run.arguments["seconds"] / _SLICE)
        for done in range(slices):
            run.tell(Progress(done, slices, "slices"))
            await asyncio.sleep(_SLICE)
        run.tell(Progress(slices, slices, "slices"))
        os.write(file, f"{run.job} {run.fence}\n".encode())
        return str(run.fence)

    opened, clock = opened_at(place), SystemClock()
    opened.start()
    queue, works = opened.queue, [Work(WAIT, wait)]
    schedules = Schedules(
        works, queue.timetable, opened.identity.documents, opened.settings_changes, clock, random.random
    )
    worker = JobWorker(
        works,
        queue.claims,
        opened.queue_changes,
        schedules,
        clock,
        random.random,
        RandomIds().new(),
        at_once=AT_ONCE,
        lease=lease * 1_000,
    )
    worker.start()
    await stop.wait()
    await worker.stop()
    await opened.engine.close()


def begun(place: str, effects: Path, lease: int) -> int:
    """A new process."""
    process = os.fork()
    if process:
        return process
    os.dup2(2, 1)
    try:
        asyncio.run(work(place, effects, lease))
    except BaseException:  # noqa: BLE001 - whatever it is: this process is not its parent
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def main() -> None:
    """Do what is read."""
    for line in sys.stdin:
        word, *numbers = line.split()
        if word == "begin":
            answer = begun(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
        else:
            answer = os.waitstatus_to_exitcode(os.waitpid(int(numbers[0]), 0)[1])
        print(answer, flush=True)


if __name__ == "__main__":
    main()
