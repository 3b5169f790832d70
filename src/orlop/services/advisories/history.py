"""How much was known to be wrong in the repositories of a place, day by day; and the job that writes it down."""

from collections.abc import Sequence

import msgspec

from orlop.domain.access import Caller
from orlop.domain.access.spans import EVERYTHING, NameSpan, after
from orlop.domain.counts import counted
from orlop.domain.durations import DAY
from orlop.domain.job_kinds import FINDING_HISTORY
from orlop.domain.names import RepositoryName
from orlop.domain.queue import Progress
from orlop.ports.clock import Clock
from orlop.ports.counting import Counting
from orlop.ports.finding_days import FindingDay, FindingDays, FindingNumbers
from orlop.ports.insides import InsideState
from orlop.ports.search import SearchRows
from orlop.services.advisories.counts import CountedImage, FindingCounts, ImageCounts
from orlop.services.advisories.reports import VulnerabilityReports
from orlop.services.jobs.work import Run, Work

#: For how many days the history is kept, and how many repositories are counted at once and summed up at most.
KEPT_DAYS, _STEP, SUMMED = 400, 100, 500


class PlaceHistory(msgspec.Struct, frozen=True):
    """`days`: the sums of repositories, in order; `more`: there are more repositories than are summed up."""

    days: tuple[FindingDay, ...]
    more: bool


class FindingHistory:
    """See the module."""

    def __init__(self, reports: VulnerabilityReports, days: FindingDays, clock: Clock) -> None:
        self._reports = reports
        self._days = days
        self._clock = clock

    async def of(self, caller: Caller, at: str, days: int) -> PlaceHistory:
        """The last days of the first repositories at a place of which the caller may read what was found. Raises
        Unauthorized, RequestInvalid."""
        names, more = await self._reports.names(caller, at, SUMMED)
        since = self._clock.now() // DAY - days
        return PlaceHistory(await self._days.of(names, since) if names else (), more)


def recording(names: SearchRows, counting: Counting, counts: ImageCounts, days: FindingDays, clock: Clock) -> Work:
    """The job that writes down what is known of every repository, some at a time: the last of a day is what counts for
    it."""

    async def record(run: Run) -> str:
        day, done, left = clock.now() // DAY, 0, (EVERYTHING,)
        while True:
            some = await names.names((), left, _STEP)
            known = await _known(some, counting, counts)
            await days.record(day, known)
            done += len(known)
            run.tell(Progress(done, done, "repositories", ""))
            if len(some) < _STEP:
                break
            left = (NameSpan(after(some[-1]), EVERYTHING.high),)
        await days.drop(day - KEPT_DAYS)
        return f"{counted(done, 'repository')} written down"

    return Work(FINDING_HISTORY, record, DAY)


async def _known(
    names: Sequence[RepositoryName], counting: Counting, counts: ImageCounts
) -> dict[RepositoryName, FindingNumbers]:
    newest = await counting.newest(names)
    wanted = [CountedImage(name, newest[name].digest, (newest[name].tag,)) for name in names if name in newest]
    known = await counts.known(wanted)
    return {
        one.repository: _numbers(found.counts) for one, found in known.items() if found.counts.state is InsideState.READ
    }


def _numbers(counts: FindingCounts) -> FindingNumbers:
    of = counts.counts
    return FindingNumbers(
        critical=of.get("critical", 0),
        high=of.get("high", 0),
        medium=of.get("medium", 0),
        low=of.get("low", 0),
        others=of.get("none", 0) + of.get("unknown", 0),
        accepted=counts.accepted,
        cleared=counts.cleared,
        fixable=counts.fixable,
    )
