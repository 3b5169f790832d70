"""End points about what waits in quarantine."""

from enum import StrEnum
from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, PathParameter, QueryParameter

from orlop.faces.api import values
from orlop.faces.api.exchange import PAGE, ApiRequest, Last, Size, caller_of, going_on, page_of
from orlop.ports.held import HeldState
from orlop.services.management.operations import Operation
from orlop.services.quarantine.desk import HeldShown, QuarantineDesk

Number = Annotated[int, PathParameter(description="The number in the list.")]


class HeldStateName(StrEnum):
    """What became of something that was in quarantine."""

    WAITING = "waiting"
    RELEASED = "released"
    REFUSED = "refused"


class HeldPushValue(msgspec.Struct, frozen=True):
    """A manifest that was pushed into quarantine. `tags`: those that it gets, or got, when it was let out. `state`:
    waiting, released or refused. `waits_for`: gates, person, or nothing of what is about to come out; empty of what
    does not wait. `why`: what a gate has against it, as a sentence. `ends_at`: when it is refused if nobody lets it
    out."""

    id: int
    repository: str
    digest: str
    tags: list[str]
    pushed_by: str
    pushed_at: values.Time
    state: str
    waits_for: str
    why: str
    ends_at: values.Time
    decided_by: str
    decided_at: values.Time
    reason: str

    @classmethod
    def of(cls, shown: HeldShown) -> "HeldPushValue":
        """As clients see it."""
        held, standing = shown.held, shown.standing
        return cls(
            id=held.id,
            repository=held.repository,
            digest=str(held.digest),
            tags=[str(tag) for tag in held.tags],
            pushed_by=held.pushed_by,
            pushed_at=values.time(held.pushed_at),
            state=held.state.name.lower(),
            waits_for=standing.stand.value if standing is not None else "",
            why=standing.why if standing is not None else "",
            ends_at=values.time(standing.ends_at if standing is not None else 0),
            decided_by=held.decided_by,
            decided_at=values.time(held.decided_at),
            reason=held.reason,
        )


class Deciding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why, for the audit log and whoever pushed it."""

    reason: values.Text = ""


def quarantine(desk: QuarantineDesk) -> list[HTTPRouteHandler]:
    """`/held-pushes`."""

    @get("/held-pushes", operation_id="listHeldPushes", tags=["quarantine"], operation=Operation.QUARANTINE_READ)
    async def list_held_pushes(
        request: ApiRequest,
        place: Annotated[
            str,
            QueryParameter(
                name="place", max_length=256, description="`/`, a namespace (`team/`) or a repository (`team/app`)."
            ),
        ] = "/",
        became: Annotated[
            HeldStateName, QueryParameter(name="state", description="What became of it.")
        ] = HeldStateName.WAITING,
        n: Size = PAGE,
        last: Last = "",
    ) -> Response[list[HeldPushValue]]:
        """What was pushed into quarantine, the last first, as far as the caller pushed it or may look into it. A page
        may end early where much was looked at that is not for the caller to see: the link goes on."""
        wanted = HeldState[became.name]
        page = await desk.page(caller_of(request), place, wanted, page_of(n, last))
        return going_on(request, page.items, HeldPushValue.of, page.goes_on, n)

    @post(
        "/held-pushes/{number:int}/release",
        operation_id="releaseHeldPush",
        tags=["quarantine"],
        status_code=200,
        operation=Operation.QUARANTINE_DECIDE,
    )
    async def release_held_push(request: ApiRequest, number: Number, data: JSONBody[Deciding]) -> HeldPushValue:
        """Let it out: it gets its tags, all of them or none. Refused while a gate is against it, and to whoever pushed
        it where a person has to let it out."""
        return HeldPushValue.of(await desk.release(caller_of(request), number, data.reason))

    @post(
        "/held-pushes/{number:int}/refuse",
        operation_id="refuseHeldPush",
        tags=["quarantine"],
        status_code=200,
        operation=Operation.QUARANTINE_DECIDE,
    )
    async def refuse_held_push(request: ApiRequest, number: Number, data: JSONBody[Deciding]) -> HeldPushValue:
        """Delete it, into the trash; a reason is needed."""
        return HeldPushValue.of(await desk.refuse(caller_of(request), number, data.reason))

    return [list_held_pushes, release_held_push, refuse_held_push]
