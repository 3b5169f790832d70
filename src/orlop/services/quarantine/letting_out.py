"""The job that lets out of quarantine what nothing holds any more, and refuses what nobody let out in time."""

from collections.abc import Callable

import msgspec
import structlog

from orlop.domain.access.spans import EVERYTHING
from orlop.domain.access.subjects import SYSTEM
from orlop.domain.counts import counted
from orlop.domain.durations import MINUTE
from orlop.domain.errors import Conflict, RegistryError
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
    """`told` is told what became of something, `released` or `refused`, by whom, and what it was."""

    def __init__(
        self,
        rows: HeldPushes,
        standing: QuarantineStanding,
        terms: WriteTerms,
        jobs: Jobs,
        clock: Clock,
        told: Callable[[str, By, HeldPush], None],
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

    async def release(self, held: HeldPush, by: By, reason: str, check: Callable[[Standing], None]) -> None:
        """Let it out as long as `check` lets how it stands pass, which holds until it is out: where a rule or a gate
        changes meanwhile, that is asked again. Raises what `check` does, and as HeldPushes.release."""

        async def made() -> Terms:
            standing = await self._standing.of(held)
            check(standing)
            terms = await self._terms.released(held.repository, held.tags)
            return msgspec.structs.replace(terms, settings=min(terms.settings, standing.settings))

        await self._terms.keep(made, lambda terms: self._rows.release(held, terms, by, reason))
        self._told("released", by, held)

    async def refuse(
        self, held: HeldPush, by: By, reason: str, check: Callable[[Standing], None] = lambda _: None
    ) -> None:
        """Delete it into the trash, as long as `check` lets how it stands pass. Raises what `check` does, and as
        HeldPushes.refuse."""

        async def made() -> Terms:
            standing = await self._standing.of(held, remembered=True)
            check(standing)
            return msgspec.structs.replace(await self._terms.refused(held.repository), settings=standing.settings)

        await self._terms.keep(made, lambda terms: self._rows.refuse(held, terms, by, reason))
        self._told("refused", by, held)

    async def _one(self, held: HeldPush) -> str:
        by = By(SYSTEM.name, self._clock.now())
        standing = await self._standing.of(held, remembered=True)
        try:
            if standing.stand is Stand.NOTHING:
                await self.release(held, by, "", _check_free)
                return "released"
            if _is_over(standing, by.at):

                def check_over(now: Standing) -> None:
                    if not _is_over(now, by.at):
                        raise Conflict("it has time again")

                await self.refuse(held, by, "nobody let it out in time", check_over)
                return "refused"
        except RegistryError as error:  # somebody else was first, or a tag cannot be set: whoever looks is told
            _log.info("what waits in quarantine stays there", id=held.id, name=held.repository, reason=error.message)
        return ""


def _check_free(standing: Standing) -> None:
    if standing.stand is not Stand.NOTHING:
        raise Conflict("something holds it again")


def _is_over(standing: Standing, now: int) -> bool:
    return standing.stand is not Stand.GONE and 0 < standing.ends_at <= now
