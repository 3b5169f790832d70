"""The job that lets out of quarantine what nothing holds any more, and refuses what nobody let out in time."""

from collections.abc import Callable

import structlog

from orlop.domain.access.spans import EVERYTHING
from orlop.domain.access.subjects import SYSTEM
from orlop.domain.counts import counted
from orlop.domain.durations import MINUTE
from orlop.domain.errors import RegistryError
from orlop.domain.job_kinds import QUARANTINE
from orlop.domain.queue import Order, Progress
from orlop.ports.by import By
from orlop.ports.clock import Clock
from orlop.ports.held import HeldPush, HeldPushes, HeldState
from orlop.ports.queue import Jobs
from orlop.ports.terms import Terms
from orlop.services.jobs.work import Run, Work
from orlop.services.quarantine.standing import QuarantineStanding, Stand, Standing
from orlop.services.tags.terms import WriteTerms

_TOGETHER = 100
_log = structlog.get_logger(__name__)


class LettingOut:
    """`told` counts what became of something: `released`, `refused`."""

    def __init__(
        self,
        rows: HeldPushes,
        standing: QuarantineStanding,
        terms: WriteTerms,
        jobs: Jobs,
        clock: Clock,
        told: Callable[[str], None],
    ) -> None:
        self._rows = rows
        self._standing = standing
        self._terms = terms
        self._jobs = jobs
        self._clock = clock
        self._told = told

    def work(self) -> Work:
        """It is called when something may have changed; time alone changes something, too."""
        return Work(QUARANTINE, self.run, 5 * MINUTE)

    async def call(self) -> None:
        """Something may have changed."""
        order = Order(kind=QUARANTINE.kind, once=QUARANTINE.kind)
        await self._jobs.ask(order, By(SYSTEM.name, self._clock.now()))

    async def run(self, run: Run) -> str:
        """Look at all that waits once."""
        before, looked, released, refused = 0, 0, 0, 0
        while waiting := await self._rows.page((EVERYTHING,), HeldState.WAITING, before, _TOGETHER):
            for held in waiting:
                became = await self._one(held)
                released, refused = released + (became == "released"), refused + (became == "refused")
            before, looked = waiting[-1].id, looked + len(waiting)
            run.tell(Progress(looked, 0, "images"))
        return f"{released} let out, {refused} refused, {counted(looked - released - refused, 'image')} still waiting"

    async def _one(self, held: HeldPush) -> str:
        standing = await self._standing.of(held)
        now = self._clock.now()
        try:
            if standing.stand is Stand.NOTHING:
                await self._rows.release(
                    held, Terms(room=await self._terms.room(held.repository)), By(SYSTEM.name, now)
                )
                became = "released"
            elif _is_over(standing, now):
                await self.refuse(held, By(SYSTEM.name, now), "nobody let it out in time")
                became = "refused"
            else:
                return ""
        except RegistryError as error:  # somebody else was first, or a tag cannot be set: whoever looks is told
            _log.info("what waits in quarantine stays there", id=held.id, name=held.repository, reason=error.message)
            return ""
        self._told(became)
        return became

    async def refuse(self, held: HeldPush, by: By, reason: str) -> None:
        """Delete it into the trash. Raises as HeldPushes.refuse."""
        await self._rows.refuse(held, Terms(trash=await self._terms.kept(held.repository)), by, reason)


def _is_over(standing: Standing, now: int) -> bool:
    return standing.stand is not Stand.GONE and 0 < standing.ends_at <= now
