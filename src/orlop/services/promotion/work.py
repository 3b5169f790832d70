"""The job that carries out promotions whose time has come, and ends those that waited for too long."""

from orlop.domain.access.subjects import SYSTEM
from orlop.domain.counts import counted
from orlop.domain.durations import MINUTE
from orlop.domain.errors import NotJudged, RegistryError, Stale, Unavailable
from orlop.domain.job_kinds import PROMOTIONS
from orlop.domain.promotion.promotion import Promotion, PromotionState
from orlop.ports.by import By
from orlop.ports.clock import Clock
from orlop.ports.promotion import Promotions
from orlop.services.jobs.work import Work, plain
from orlop.services.promotion.deciding import Deciding

#: Promotions of one step.
_TOGETHER = 100


class DuePromotions:
    """What is refused then is ended with the reason, so that nobody waits for it; what a gate does not know yet, or the
    catalog cannot do now, is tried again."""

    def __init__(self, rows: Promotions, deciding: Deciding, clock: Clock) -> None:
        self._rows = rows
        self._deciding = deciding
        self._clock = clock

    def work(self) -> Work:
        """Every minute: most of the time that is two looks at an index."""
        return Work(PROMOTIONS, plain(self.call), MINUTE)

    async def call(self) -> str:
        """Once; what was done."""
        now, done = self._clock.now(), 0
        for promotion in await self._rows.due(now, _TOGETHER):
            done += await self._carried_out(promotion, now)
        over = await self._rows.expire(now, _TOGETHER, By(SYSTEM.name, now))
        return f"{counted(done, 'promotion')} done, {over} expired"

    async def _carried_out(self, promotion: Promotion, now: int) -> bool:
        who = By(SYSTEM.name, now)
        try:
            outcome = await self._deciding.out(promotion, who, promotion.due_at)
        except (NotJudged, Unavailable, Stale):
            return False
        except RegistryError as refusal:
            await self._end(promotion, refusal.message[:500], who)
            return False
        return outcome.promotion is not None and outcome.promotion.state is PromotionState.DONE

    async def _end(self, promotion: Promotion, why: str, who: By) -> None:
        try:
            await self._rows.end(promotion.id, PromotionState.REFUSED, why, who)
        except Stale:
            return  # somebody decided just now
