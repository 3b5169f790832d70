"""End points about retention: plans that are made, looked at and applied; and what is in use."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Response, delete, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from orlop.domain.retention.plans import PlanState, RetentionPlan
from orlop.faces.api import values
from orlop.faces.api.exchange import PAGE, PREFIX, ApiRequest, Last, Size, caller_of, listed, page_of
from orlop.faces.api.people import Number
from orlop.ports.retention import InUseSet
from orlop.services.management.operations import Operation
from orlop.services.retention.desk import RetentionDesk, ShownItem
from orlop.services.retention.in_use import InUseSets
from orlop.services.retention.inventory import InventoryPages, InventoryTag
from orlop.services.retention.trials import RetentionTrial, RetentionTrials

At = Annotated[
    str, QueryParameter(name="path", max_length=255, description="The namespace or repository; empty: the registry.")
]
Only = Annotated[
    str | None, QueryParameter(name="path", max_length=255, description="Only those about exactly this place.")
]


class PlanRuleValue(msgspec.Struct, frozen=True):
    """A rule by which a plan was made."""

    path: str
    name: str
    version: int


class PlanValue(msgspec.Struct, frozen=True):
    """A plan. `bytes`: what nothing else holds, and is free once all of it is deleted and collected. `over_brake`: it
    deletes more than `brake` percent of all tags or manifests. `job`: the job that makes or applies it, and `trouble`:
    why it does not get any further; `done` and `skipped` count what was deleted and what was left when it was applied.
    """

    id: int
    path: str
    state: PlanState
    asked_by: str
    asked_at: values.Time
    rules: tuple[PlanRuleValue, ...]
    brake: int
    over_brake: bool
    repositories: int
    tags: int
    manifests: int
    deleted_tags: int
    deleted_manifests: int
    bytes: int
    shared: int
    job: int
    trouble: str
    applied_by: str
    applied_at: values.Time
    ended_at: values.Time
    done: int
    skipped: int

    @classmethod
    def of(cls, plan: RetentionPlan, trouble: str = "") -> "PlanValue":
        """As clients see it."""
        figures = plan.figures
        return cls(
            id=plan.id,
            path=plan.path,
            state=plan.state,
            asked_by=plan.asked_by,
            asked_at=values.time(plan.asked_at),
            rules=tuple(PlanRuleValue(rule.path, rule.name, rule.version) for rule in figures.rules),
            brake=figures.brake,
            over_brake=figures.is_over_brake,
            repositories=figures.repositories,
            tags=figures.tags,
            manifests=figures.manifests,
            deleted_tags=figures.deleted_tags,
            deleted_manifests=figures.deleted_manifests,
            bytes=figures.bytes,
            shared=figures.shared,
            job=plan.job,
            trouble=trouble,
            applied_by=plan.applied_by,
            applied_at=values.time(plan.applied_at),
            ended_at=values.time(plan.ended_at),
            done=plan.done,
            skipped=plan.skipped,
        )


class PlanItemValue(msgspec.Struct, frozen=True):
    """A tag, or a manifest that no tag leads to (`tag` is empty): whether it is deleted, and why or why not.
    `manifest`: with the tag goes the manifest. `outcome`: `deleted`, or why it was left when the plan was applied."""

    repository: str
    tag: str
    digest: str
    deleted: bool
    manifest: bool
    reason: str
    outcome: str

    @classmethod
    def of(cls, shown: ShownItem) -> "PlanItemValue":
        """As clients see it."""
        item = shown.item
        return cls(shown.repository, item.tag, item.digest, item.goes, item.takes, item.reason, item.outcome)


class TrialBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule as it might be: what it is called, at which place, and what it would say."""

    name: Annotated[str, Meta(max_length=63)]
    rule: dict[str, Any]
    path: Annotated[str, Meta(max_length=255)] = ""


class TrialValue(msgspec.Struct, frozen=True):
    """What the rules would do then. `items`: the first that go, and the first that stay; `cut`: there is more there
    than was looked at, and a plan says more. The other numbers are those of a plan."""

    repositories: int
    tags: int
    manifests: int
    deleted_tags: int
    deleted_manifests: int
    bytes: int
    shared: int
    over_brake: bool
    cut: bool
    items: tuple[PlanItemValue, ...]

    @classmethod
    def of(cls, trial: RetentionTrial) -> "TrialValue":
        """As clients see it."""
        figures = trial.figures
        return cls(
            repositories=figures.repositories,
            tags=figures.tags,
            manifests=figures.manifests,
            deleted_tags=figures.deleted_tags,
            deleted_manifests=figures.deleted_manifests,
            bytes=figures.bytes,
            shared=figures.shared,
            over_brake=figures.is_over_brake,
            cut=trial.cut,
            items=tuple(map(PlanItemValue.of, trial.items)),
        )


class NewPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A plan to make. `path`: a namespace with all below it, or a repository; empty: the registry."""

    path: Annotated[str, Meta(max_length=255)] = ""


class Applying(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a plan is to be applied. `over_brake`: even though it deletes more than the brake allows."""

    over_brake: bool = False


class InUseValue(msgspec.Struct, frozen=True):
    """What a cluster or a script said it runs."""

    name: str
    path: str
    digests: int
    posted_at: values.Time
    posted_by: str
    expires_at: values.Time

    @classmethod
    def of(cls, one: InUseSet) -> "InUseValue":
        """As clients see it."""
        times = values.time(one.posted_at), one.posted_by, values.time(one.expires_at)
        return cls(one.name, one.path, one.digests, *times)


class NewInUse(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Digests that are in use until a time."""

    digests: Annotated[tuple[values.Name, ...], Meta(max_length=20_000)]
    expires_at: datetime


class InventoryTagValue(msgspec.Struct, frozen=True):
    """A tag as rules see it: since when it points at its image; when that was pushed and pulled last, or what it lists;
    whether an index lists it."""

    repository: str
    tag: str
    digest: str
    set_at: values.Time
    pushed_at: values.Time
    pulled_at: values.Time
    listed: bool

    @classmethod
    def of(cls, tag: InventoryTag) -> "InventoryTagValue":
        """As clients see it."""
        times = values.time(tag.set_at), values.time(tag.pushed_at), values.time(tag.pulled_at)
        return cls(tag.repository, tag.tag, tag.digest, *times, tag.listed)


def inventory(pages: InventoryPages) -> list[HTTPRouteHandler]:
    """`/retention-inventory`."""

    @get("/retention-inventory", operation_id="listInventory", tags=["retention"], operation=Operation.RETENTION_READ)
    async def list_inventory(
        request: ApiRequest, n: Size = PAGE, last: Last = "", path: At = ""
    ) -> Response[list[InventoryTagValue]]:
        """The tags of a place as rules for retention see them, by repository and name."""
        page = await pages.page(caller_of(request), path, page_of(n, last))
        return listed(request, page, InventoryTagValue.of, lambda tag: tag.key, n)

    return [list_inventory]


def trials(desk: RetentionTrials) -> list[HTTPRouteHandler]:
    """`/retention-trials`."""

    @post("/retention-trials", operation_id="tryRetention", tags=["retention"], operation=Operation.RETENTION_PLAN)
    async def try_retention(request: ApiRequest, data: JSONBody[TrialBody]) -> Response[TrialValue]:
        """What the rules for retention would delete and keep at the place of a rule if that said something else, or
        were there. It looks at so much of the place at once, and keeps nothing."""
        found = await desk.trial(caller_of(request), data.path, data.name, data.rule)
        return Response(TrialValue.of(found), status_code=200)

    return [try_retention]


def plans(desk: RetentionDesk) -> list[HTTPRouteHandler]:
    """`/retention-plans`."""

    @post("/retention-plans", operation_id="planRetention", tags=["retention"], operation=Operation.RETENTION_PLAN)
    async def plan_retention(request: ApiRequest, data: JSONBody[NewPlan]) -> Response[PlanValue]:
        """Have a plan made of what the rules for retention would delete at a place now. It is `planned` when its job
        is done."""
        made = await desk.preview(caller_of(request), data.path)
        where = {"location": f"{PREFIX}/retention-plans/{made.id}"}
        return Response(PlanValue.of(made), status_code=201, headers=where)

    @get("/retention-plans", operation_id="listPlans", tags=["retention"], operation=Operation.RETENTION_READ)
    async def list_plans(
        request: ApiRequest, n: Size = PAGE, last: Last = "", path: Only = None
    ) -> Response[list[PlanValue]]:
        """Plans that the caller may see, newest first."""
        page = await desk.page(caller_of(request), page_of(n, last), path)
        return listed(request, page, PlanValue.of, lambda plan: str(plan.id), n)

    @get(
        "/retention-plans/{number:int}",
        operation_id="showPlan",
        tags=["retention"],
        operation=Operation.RETENTION_READ,
    )
    async def show_plan(request: ApiRequest, number: Number) -> PlanValue:
        """One of them."""
        found = await desk.get(caller_of(request), number)
        return PlanValue.of(found, await desk.trouble(found))

    @get(
        "/retention-plans/{number:int}/items",
        operation_id="listPlanItems",
        tags=["retention"],
        operation=Operation.RETENTION_READ,
    )
    async def list_items(
        request: ApiRequest,
        number: Number,
        n: Size = PAGE,
        last: Last = "",
        deleted: Annotated[bool, QueryParameter(name="deleted", description="Only what is deleted.")] = False,
    ) -> Response[list[PlanItemValue]]:
        """What is in a plan, by repository: every tag, and manifests that go without one."""
        page = await desk.items(caller_of(request), number, page_of(n, last), deletes=deleted)
        return listed(request, page, PlanItemValue.of, lambda shown: shown.key, n)

    @post(
        "/retention-plans/{number:int}/apply",
        operation_id="applyPlan",
        tags=["retention"],
        operation=Operation.RETENTION_APPLY,
    )
    async def apply_plan(request: ApiRequest, number: Number, data: JSONBody[Applying]) -> Response[PlanValue]:
        """Have exactly what the plan shows deleted, each item only if it still is so and nothing new keeps it."""
        applied = await desk.apply(caller_of(request), number, over_brake=data.over_brake)
        return Response(PlanValue.of(applied), status_code=200)

    return [plan_retention, list_plans, show_plan, list_items, apply_plan]


def in_use(sets: InUseSets) -> list[HTTPRouteHandler]:
    """`/in-use`."""

    @get("/in-use", operation_id="listInUse", tags=["retention"], operation=Operation.IN_USE_READ)
    async def list_in_use(
        request: ApiRequest, n: Size = PAGE, last: Last = "", path: Only = None
    ) -> Response[list[InUseValue]]:
        """What was said to be in use where the caller may pull, by place and name."""
        page = await sets.page(caller_of(request), page_of(n, last), path)
        key = (lambda one: one.name) if path is not None else (lambda one: one.key)
        return listed(request, page, InUseValue.of, key, n)

    @put("/in-use/{name:str}", operation_id="putInUse", tags=["retention"], operation=Operation.IN_USE_SET)
    async def put_in_use(
        request: ApiRequest, name: FromPath[str], data: JSONBody[NewInUse], path: At = ""
    ) -> InUseValue:
        """Say which digests are in use: retention keeps them until then. It takes the place of what was said before."""
        until = values.moment(data.expires_at)
        return InUseValue.of(await sets.put(caller_of(request), path, name, data.digests, until))

    @delete("/in-use/{name:str}", operation_id="removeInUse", tags=["retention"], operation=Operation.IN_USE_SET)
    async def remove_in_use(request: ApiRequest, name: FromPath[str], path: At = "") -> None:
        """Say that nothing of a set is in use any more."""
        await sets.remove(caller_of(request), path, name)

    return [list_in_use, put_in_use, remove_in_use]
