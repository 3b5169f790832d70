"""Plans as people ask for them: previewed, looked at and applied by whoever may change rules and delete at a place."""

import msgspec

from orlop.domain.access import Action, Caller
from orlop.domain.errors import PageInvalid
from orlop.domain.job_kinds import PLANNING, RETENTION_RUN
from orlop.domain.pages import Page, PageRequest
from orlop.domain.queue import ENDED, JobState, Order
from orlop.domain.retention.plan import PlannedItem
from orlop.domain.retention.plans import PlanState, RetentionPlan
from orlop.domain.settings import checked_path
from orlop.ports.by import By
from orlop.ports.catalog import by
from orlop.ports.queue import Jobs
from orlop.ports.retention import RetentionPlans
from orlop.services.management.operations import Gate, Operation
from orlop.services.management.pages import seen
from orlop.services.retention.planning import missing

#: Items of a page of a plan, as `planning` makes them; and through how many such pages a list of what is kept looks.
_ITEMS, _LOOKED = 1_000, 4

#: What it takes at its place to have a plan applied.
_APPLYING = (Operation.RETENTION_PLAN, Operation.RETENTION_APPLY)


class ShownItem(msgspec.Struct, frozen=True):
    """An item with its repository; `key` is where a list goes on."""

    repository: str
    item: PlannedItem
    key: str


class RetentionDesk:
    """See ports.retention.RetentionPlans."""

    def __init__(self, gate: Gate, plans: RetentionPlans, jobs: Jobs) -> None:
        self._gate = gate
        self._plans = plans
        self._jobs = jobs

    async def preview(self, caller: Caller, path: str) -> RetentionPlan:
        """Have a plan made for a place; it is there when its job is done. Raises Denied."""
        path = checked_path(path)
        await self._gate.check(caller, Operation.RETENTION_PLAN, namespace=path)
        who = by(caller, self._gate.now())
        return await self._worked_on(await self._plans.add(path, who), PLANNING.kind, who)

    async def page(self, caller: Caller, page: PageRequest, path: str | None = None) -> Page[RetentionPlan]:
        """The newest first, as far as the caller may see them."""
        seeing = await self._gate.administers(caller)
        where = checked_path(path) if path is not None else None
        if not seeing.anywhere(Action.POLICY_EDIT):
            return Page(())
        return await seen(
            lambda part: self._plans.page(part, where),
            page,
            lambda plan: str(plan.id),
            lambda plan: seeing.setting(Action.POLICY_EDIT, plan.path),
        )

    async def get(self, caller: Caller, plan: int) -> RetentionPlan:
        """Raises NotFound, also for one that the caller may not see."""
        await self._gate.rights(caller)
        found = await self._plans.get(plan)
        if found is None or not await self._gate.may(caller, Operation.RETENTION_READ, namespace=found.path):
            raise missing(plan)
        return found

    async def may_plan(self, caller: Caller, path: str) -> bool:
        """Whether the caller may have a plan made for a place."""
        return await self._gate.may(caller, Operation.RETENTION_PLAN, namespace=checked_path(path))

    async def check_apply(self, caller: Caller, plan: RetentionPlan) -> None:
        """Raises Denied unless the caller may have a plan applied, once it is made."""
        for operation in _APPLYING:
            await self._gate.check(caller, operation, namespace=plan.path)

    async def may_apply(self, caller: Caller, plan: RetentionPlan) -> bool:
        """The same as an answer."""
        return all([await self._gate.may(caller, each, namespace=plan.path) for each in _APPLYING])

    async def trouble(self, plan: RetentionPlan) -> str:
        """Why a plan that the caller has got does not get any further; empty: it does, or is as far as it gets."""
        if plan.state not in (PlanState.PLANNING, PlanState.APPLYING):
            return ""
        job = await self._jobs.get(plan.job)
        if job is None:
            return "its job is gone"
        if job.state in ENDED and job.state is not JobState.DONE:
            return f"its job {job.id} is {job.state}" + (f": {job.error}" if job.error else "")
        return job.error

    async def items(self, caller: Caller, plan: int, page: PageRequest, *, deletes: bool = False) -> Page[ShownItem]:
        """What is in a plan, by repository; `deletes`: only what goes. Raises as `get`."""
        found = await self.get(caller, plan)
        repository, first = _place(page.after)
        after = (repository, first // _ITEMS - 1)
        items: list[ShownItem] = []
        while len(items) <= page.size:
            read = await self._plans.pages(found.id, after, 2, deletes=deletes)
            if not read:
                break
            for part in read:
                skipped = first - part.number * _ITEMS if part.repository == repository else 0
                items += [
                    ShownItem(part.repository, item, f"{part.repository}:{part.number * _ITEMS + number + 1}")
                    for number, item in enumerate(part.items)
                    if number >= skipped and (item.goes or not deletes)
                ]
            after = read[-1].repository, read[-1].number
        return Page(tuple(items[: page.size]), more=len(items) > page.size)

    async def kept(self, caller: Caller, plan: int, page: PageRequest) -> tuple[tuple[ShownItem, ...], str]:
        """What a plan keeps, and where the list goes on; empty: it does not. It may hold fewer than were asked for
        where little is kept among much. Raises as `get`."""
        kept: list[ShownItem] = []
        for _ in range(_LOOKED):
            found = await self.items(caller, plan, PageRequest(_ITEMS, page.after))
            for number, shown in enumerate(found.items, start=1):
                kept += [] if shown.item.goes else [shown]
                if len(kept) == page.size:
                    return tuple(kept), shown.key if found.more or number < len(found.items) else ""
            if not found.more:
                return tuple(kept), ""
            page = PageRequest(page.size, found.items[-1].key)
        return tuple(kept), page.after

    async def apply(self, caller: Caller, plan: int, *, over_brake: bool = False) -> RetentionPlan:
        """Have exactly what a plan shows deleted, as far as it still is so. Raises NotFound, Denied, Conflict."""
        found = await self.get(caller, plan)
        await self.check_apply(caller, found)
        found.check_applicable(over_brake=over_brake)
        who = by(caller, self._gate.now())
        return await self._worked_on(await self._plans.apply(plan, who), RETENTION_RUN.kind, who)

    async def _worked_on(self, plan: RetentionPlan, kind: str, who: By) -> RetentionPlan:
        order = Order(kind=kind, arguments={"plan": plan.id}, place=plan.path, once=f"{kind} {plan.id}")
        job = await self._jobs.ask(order, who)
        if job is None:  # it is under way
            return plan
        await self._plans.has_job(plan.id, job.id)
        return msgspec.structs.replace(plan, job=job.id)


def _place(after: str) -> tuple[str, int]:
    """The repository and the number of the next item. Raises PageInvalid."""
    if not after:
        return "", 0
    repository, _, number = after.rpartition(":")
    if not number.isascii() or not number.isdecimal() or len(number) > 12:
        raise PageInvalid("this list goes on after a repository and a number", {"after": after[:64]})
    return repository, int(number)
