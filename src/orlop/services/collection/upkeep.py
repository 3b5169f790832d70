"""What keeps the registry tidy: abandoned uploads and strays are cleared away, garbage collected, pulls written."""

from collections.abc import Callable

from orlop.domain.counts import counted
from orlop.domain.job_kinds import COLLECTION, EXPIRY, SWEEP
from orlop.domain.queue import Progress
from orlop.ports.clock import SECOND, Clock
from orlop.services.collection.garbage import Collected, Collection
from orlop.services.collection.marking import Marked
from orlop.services.collection.sweep import Sweep, Swept
from orlop.services.content.pulls import PullLog
from orlop.services.jobs.work import Run, Work, plain
from orlop.services.jobs.worker import Chore

#: How often sessions that nobody finished are cleared away, in microseconds; how often pulls are written, in seconds.
_EXPIRE_EVERY = 60 * SECOND
_PULLS_EVERY = 15.0


def collecting(
    collection: Collection, clock: Clock, *, every: int, grace: int, done: Callable[[Collected, float], None]
) -> tuple[Work, Work]:
    """The jobs around garbage: `every` and `grace` in microseconds; `done` is told what a run did, and its seconds."""

    async def expire() -> str:
        return f"{counted(await collection.expire_uploads(), 'upload')} expired"

    async def collect(run: Run) -> str:
        started = clock.now()
        collected = await collection.run(grace, lambda so_far: run.tell(collected_so_far(so_far)))
        done(collected, (clock.now() - started) / SECOND)
        return (
            f"removed {counted(collected.removed, 'blob')} of {counted(collected.freed, 'byte')} and"
            f" {counted(collected.uploads, 'abandoned upload')};"
            f" {counted(collected.condemned, 'blob')} found that nothing needs{what_was_kept(collected)}"
        )

    return Work(EXPIRY, plain(expire), _EXPIRE_EVERY), Work(COLLECTION, collect, every)


def what_was_kept(done: Collected) -> str:
    """What the store did not remove, and why, as the end of a sentence; empty where there is nothing."""
    if not done.kept:
        return ""
    errors = "; ".join(f"{message} ({times} times)" for message, times in done.errors.items())
    return (
        f"; the store did not remove {done.kept} of {counted(done.kept_bytes, 'byte')}, which are tried again: {errors}"
    )


def collected_so_far(done: Collected) -> Progress:
    """How far a collection came. What it will remove is known once it has looked at all rows."""
    found = (
        f"{counted(done.uploads, 'upload')}, {counted(done.links, 'link')} and"
        f" {counted(done.condemned, 'blob')} that nothing needs"
    )
    return Progress(done.removed, done.tombstoned, "blobs", found)


def marked_so_far(done: Marked) -> Progress:
    """How far a full marking came."""
    looked = done.manifests + done.links + done.blobs
    return Progress(looked, 0, "rows", counted(done.differences, "difference"))


def swept_text(done: Swept) -> str:
    """What a sweep did, in a few words."""
    return f"found {done.strays} stray files, removed {done.removed}, and keeps {done.quarantined} in quarantine"


def swept_so_far(done: Swept) -> Progress:
    """How far a sweep came."""
    return Progress(done.copies, 0, "copies", f"{done.strays} stray files found")


def sweeping(sweep: Sweep) -> Work:
    """The job that looks for strays; it does not run by itself."""

    async def run_sweep(run: Run) -> str:
        swept = await sweep.run(lambda so_far: run.tell(swept_so_far(so_far)))
        return swept_text(swept)

    return Work(SWEEP, run_sweep)


def writing_pulls(pulls: PullLog) -> Chore:
    """The chore that writes when things were pulled."""
    return Chore("pull times", _PULLS_EVERY, pulls.flush)
