"""The jobs of retention: a plan is made, or applied, or both by a schedule and under the brake."""

from collections.abc import Callable

from orlop.domain.access import SYSTEM
from orlop.domain.counts import counted
from orlop.domain.durations import DAY
from orlop.domain.job_kinds import PLANNING, RETENTION_RUN
from orlop.domain.names import lineage
from orlop.domain.pages import PageRequest
from orlop.domain.retention.plans import PlanState, RetentionPlan
from orlop.domain.retention.rules import RETENTION
from orlop.domain.settings import place_words
from orlop.ports.by import By
from orlop.ports.clock import Clock
from orlop.ports.retention import InUse, RetentionPlans
from orlop.ports.settings import Documents
from orlop.services.jobs.work import Run, Work
from orlop.services.retention.applying import Applier
from orlop.services.retention.planning import Planner, missing

#: How long plans are kept, in microseconds; how many of them, of which each may have thousands of rows, and how many
#: sets of what is in use are forgotten at once.
_KEPT, _PLANS, _SETS = 90 * DAY, 1, 10

#: Plans that are looked through for those of a job that was broken off.
_NEWEST = 100


class RetentionWork:
    """What the jobs do. `applied` is told how many items were deleted and how many were left."""

    def __init__(
        self,
        plans: RetentionPlans,
        in_use: InUse,
        documents: Documents,
        planner: Planner,
        applier: Applier,
        clock: Clock,
        applied: Callable[[int, int], None] = lambda *_: None,
    ) -> None:
        self._plans = plans
        self._in_use = in_use
        self._documents = documents
        self._planner = planner
        self._applier = applier
        self._clock = clock
        self._applied = applied

    def works(self) -> tuple[Work, Work]:
        """The kinds of jobs; neither runs by itself unless a schedule says so."""
        return Work(PLANNING, self._make), Work(RETENTION_RUN, self._run)

    async def _make(self, run: Run) -> str:
        await self._forget()
        plan = await self._found(run.arguments["plan"])
        if plan.state is PlanState.PLANNING:
            await self._planner.make(plan, By(plan.asked_by, self._clock.now()), run.tell)
        return _made(await self._found(plan.id))

    async def _run(self, run: Run) -> str:
        await self._forget()
        number = run.arguments.get("plan", 0)
        if number:
            return await self._apply(await self._found(number), run)
        said = [await self._scheduled(path, run) for path in await self._places()]
        return "; ".join(said) or "there are no rules for retention"

    async def _forget(self) -> None:
        """What is of no use any more: old plans, and what was in use a day ago."""
        now = self._clock.now()
        while await self._plans.forget(now - _KEPT, _PLANS):
            pass
        while await self._in_use.forget(now - DAY, _SETS):
            pass

    async def _apply(self, plan: RetentionPlan, run: Run) -> str:
        if plan.state is not PlanState.APPLYING:
            return _ended(plan)
        done = await self._applier.apply(plan, run.tell)
        self._applied(done.done - plan.done, done.skipped - plan.skipped)
        return _ended(done)

    async def _scheduled(self, path: str, run: Run) -> str:
        """Plan and apply for a place; what the job began before it was broken off it goes on with."""
        begun = (await self._plans.page(PageRequest(_NEWEST), path)).items
        plan = next((plan for plan in begun if plan.job == run.job), None)
        if plan is None:
            plan = await self._plans.add(path, By(SYSTEM.name, self._clock.now()))
            await self._plans.has_job(plan.id, run.job)
        if plan.state is PlanState.PLANNING:
            await self._planner.make(plan, By(SYSTEM.name, self._clock.now()), run.tell)
            plan = await self._found(plan.id)
        if plan.state is PlanState.PLANNED:
            if plan.figures.is_over_brake:
                return f"{_made(plan)}, more than the brake allows: orlop retention apply {plan.id} --yes --over-brake"
            plan = await self._plans.apply(plan.id, By(SYSTEM.name, self._clock.now()))
        return await self._apply(plan, run)

    async def _places(self) -> list[str]:
        """The highest places that have rules: each has a plan, and a brake, of its own."""
        paths = {document.path for document in await self._documents.all(RETENTION.kind)}
        return sorted(path for path in paths if not paths.intersection(lineage(path)[:-1]))

    async def _found(self, plan: int) -> RetentionPlan:
        found = await self._plans.get(plan)
        if found is None:
            raise missing(plan)
        return found


def _made(plan: RetentionPlan) -> str:
    figures = plan.figures
    return (
        f"plan {plan.id} of {place_words(plan.path)} deletes {figures.deleted_tags} of"
        f" {counted(figures.tags, 'tag')} and frees"
        f" {counted(figures.bytes, 'byte')}"
    )


def _ended(plan: RetentionPlan) -> str:
    return f"plan {plan.id} of {place_words(plan.path)}: {plan.done} deleted, {plan.skipped} left"
