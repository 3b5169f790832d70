"""Forgets jobs that ended long ago."""

from collections.abc import Awaitable, Callable, Collection, Iterable

from orlop.domain.counts import counted
from orlop.domain.job_kinds import HISTORY, JobKind
from orlop.ports.clock import HOUR, Clock
from orlop.ports.queue import JobHistory
from orlop.services.jobs.work import Work, plain

_EVERY = HOUR
#: Rows of one transaction.
_STEP = 500


def forgetting(history: JobHistory, kinds: Iterable[JobKind], clock: Clock, *, keep: int) -> Work:
    """The job that does: what ended longer than `keep` ago, and sooner what each kind says of those that ended well."""
    ages: dict[int, list[str]] = {}
    for kind in kinds:
        if kind.forgotten_after:
            ages.setdefault(kind.forgotten_after, []).append(kind.kind)

    async def forget() -> str:
        now = clock.now()
        forgotten = await _all(lambda: history.forget(now - keep, _STEP))
        for age, done in ages.items():
            forgotten += await _all(_those(history, now - min(age, keep), done))
        return f"{counted(forgotten, 'job')} forgotten"

    return Work(HISTORY, plain(forget), _EVERY)


def _those(history: JobHistory, before: int, done: Collection[str]) -> Callable[[], Awaitable[int]]:
    return lambda: history.forget(before, _STEP, done=done)


async def _all(step: Callable[[], Awaitable[int]]) -> int:
    """Steps until one finds nothing."""
    total = 0
    while found := await step():
        total += found
    return total
