"""The job that tells when settings end by themselves, and soon will."""

from orlop.domain.durations import MINUTE
from orlop.domain.job_kinds import ENDS
from orlop.ports.clock import Clock
from orlop.ports.setting_ends import SettingEnds
from orlop.services.jobs.work import Work, plain

#: Settings of one step.
_TOGETHER = 500


def telling_of_ends(ends: SettingEnds, clock: Clock) -> Work:
    """Every five minutes, of what is due by then: most of the time that is one look at an index."""

    async def tell() -> str:
        told, step = 0, _TOGETHER
        while step == _TOGETHER:
            step = await ends.tell(clock.now(), _TOGETHER)
            told += step
        return f"{told} ends told of"

    return Work(ENDS, plain(tell), 5 * MINUTE)
