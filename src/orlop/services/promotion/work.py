"""The job that carries out promotions whose time has come, and ends those that waited for too long."""

from orlop.domain.access.subjects import SYSTEM
from orlop.domain.counts import counted
from orlop.domain.durations import HOUR, MINUTE
from orlop.domain.errors import Denied, NotJudged, RegistryError, Stale, Unavailable
from orlop.domain.gates.gate import GATES
from orlop.domain.job_kinds import PROMOTIONS
from orlop.domain.promotion.promotion import Promotion, PromotionState
from orlop.ports.by import By
from orlop.ports.clock import Clock
from orlop.ports.promotion import Promotions
from orlop.services.jobs.work import Work, plain
from orlop.services.promotion.deciding import Deciding
from orlop.services.promotion.outcomes import Became, Counting, uncounted

#: Promotions of one step.
_TOGETHER = 100
#: After what time something is tried again of which a gate does not know enough, or that it holds back.
_UNKNOWN, _HELD_BACK = MINUTE, HOUR


class DuePromotions:
    """What is refused then is ended with the reason, so that nobody waits for it; what a gate does not know yet, or the
    catalog cannot do now, is tried again. What a gate holds back and nobody asked for waits until something is known
    that may change it, and is tried again after a time, as some gates go by that."""

    def __init__(self, rows: Promotions, deciding: Deciding, clock: Clock, counted: Counting = uncounted) -> None:
        self._rows = rows
        self._deciding = deciding
        self._clock = clock
        self._counted = counted

    def work(self) -> Work:
        """Every minute: most of the time that is two looks at an index."""
        return Work(PROMOTIONS, plain(self.call), MINUTE)

    async def call(self) -> str:
        """Once; what was done."""
        now, done = self._clock.now(), 0
        for promotion in await self._rows.due(now, _TOGETHER):
            done += await self._carried_out(promotion, now)
        over = await self._rows.expire(now, _TOGETHER, By(SYSTEM.name, now))
        self._counted(Became.EXPIRED, over)
        return f"{counted(done, 'promotion')} done, {over} expired"

    async def _carried_out(self, promotion: Promotion, now: int) -> bool:
        who = By(SYSTEM.name, now)
        try:
            if promotion.by_tag:
                await self._deciding.still(promotion)
            outcome = await self._deciding.out(promotion, who, promotion.due_at)
        except (Unavailable, Stale):
            return False
        except RegistryError as refusal:
            await self._refused(promotion, refusal, who)
            return False
        if outcome.promotion is not None and outcome.promotion.state is PromotionState.DONE:
            return True
        if promotion.automatic and outcome.promotion == promotion:
            await self._rows.put_off(promotion, 0, "")  # approvals are missing
        return False

    async def _refused(self, promotion: Promotion, refusal: RegistryError, who: By) -> None:
        if promotion.automatic and isinstance(refusal, Denied) and refusal.kind == GATES.kind:
            later = _UNKNOWN if isinstance(refusal, NotJudged) else _HELD_BACK
            await self._rows.put_off(promotion, who.at + later, refusal.message[:500])
        elif not isinstance(refusal, NotJudged):
            await self._end(promotion, refusal.message[:500], who)

    async def _end(self, promotion: Promotion, why: str, who: By) -> None:
        try:
            await self._rows.end(promotion.id, PromotionState.REFUSED, why, who)
            self._counted(Became.REFUSED)
        except Stale:
            return  # somebody decided just now
