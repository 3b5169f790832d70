"""A plan of retention as somebody looks at it before it is applied: what it frees of what there is, what the trash
keeps, which rules changed since it was made, and whether the one who looks may apply it."""

import msgspec

from orlop.domain.access import Caller
from orlop.domain.retention.plans import PlanState, RetentionPlan
from orlop.domain.retention.rules import RETENTION
from orlop.ports.settings import Documents
from orlop.ports.usage import Usages
from orlop.services.management.operations import Gate
from orlop.services.retention.desk import RetentionDesk
from orlop.services.tags.terms import WriteTerms


class PlanReview(msgspec.Struct, frozen=True):
    """A plan and what stands around it. `stored`: bytes at its place now; `trash_for`: how long what it deletes can be
    restored, in microseconds; `moved`: rules that were changed, added or removed since, as `path:name`."""

    plan: RetentionPlan
    trouble: str
    stored: int
    trash_for: int
    moved: tuple[str, ...]
    may_apply: bool


class PlanReviews:
    """For those who may see plans. It looks; `RetentionDesk` applies."""

    def __init__(
        self, gate: Gate, desk: RetentionDesk, usages: Usages, documents: Documents, terms: WriteTerms
    ) -> None:
        self._gate = gate
        self._desk = desk
        self._usages = usages
        self._documents = documents
        self._terms = terms

    async def of(self, caller: Caller, number: int) -> PlanReview:
        """Raises NotFound, also for a plan that the caller may not see."""
        plan = await self._desk.get(caller, number)
        used = await self._usages.of([plan.path], self._gate.now())
        usage = used[plan.path][0].stored_bytes if plan.path in used else 0
        return PlanReview(
            plan,
            await self._desk.trouble(plan),
            usage,
            await self._terms.kept(plan.path),
            await self._moved(plan),
            await self._desk.may_apply(caller, plan),
        )

    async def _moved(self, plan: RetentionPlan) -> tuple[str, ...]:
        """Rules that are not what they were when the plan was made; of one that is applied nobody asks."""
        if plan.state is not PlanState.PLANNED:
            return ()
        was = {f"{rule.path}:{rule.name}": rule.version for rule in plan.figures.rules}
        there = {
            f"{document.path}:{document.name}": document.version
            for document in await self._documents.all(RETENTION.kind)
            if _concerns(document.path, plan.path)
        }
        return tuple(sorted(key for key in was.keys() | there.keys() if was.get(key) != there.get(key)))


def _concerns(path: str, place: str) -> bool:
    """Whether a rule of a node covers a place, or something in it."""
    return not path or not place or f"{place}/".startswith(f"{path}/") or path.startswith(f"{place}/")
