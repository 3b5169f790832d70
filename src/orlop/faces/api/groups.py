"""End points about groups and grants."""

from typing import Annotated

from litestar import Response, delete, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, QueryParameter

from orlop.domain.access import Place, PlaceKind
from orlop.domain.errors import RequestInvalid
from orlop.faces.api import values
from orlop.faces.api.exchange import (
    PAGE,
    PREFIX,
    ApiRequest,
    Begins,
    Last,
    Match,
    Size,
    caller_of,
    expected,
    listed,
    page_of,
    tagged,
)
from orlop.faces.api.people import Number
from orlop.ports.identity import NewGrant
from orlop.services.management.all import Management
from orlop.services.management.operations import Operation


def groups(management: Management) -> list[HTTPRouteHandler]:
    """`/groups`."""
    service = management.groups

    @get("/groups", operation_id="listGroups", tags=["groups"], operation=Operation.GROUP_READ)
    async def list_groups(
        request: ApiRequest, n: Size = PAGE, last: Last = "", begins: Begins = ""
    ) -> Response[list[values.GroupValue]]:
        """Groups by name; whoever does not rule or audit the registry sees those that they are in."""
        page = await service.page(caller_of(request), page_of(n, last), begins)
        return listed(request, page, values.GroupValue.of, lambda group: group.name, n)

    @post("/groups", operation_id="addGroup", tags=["groups"], operation=Operation.GROUP_ADD)
    async def add_group(request: ApiRequest, data: JSONBody[values.NewGroup]) -> Response[values.GroupValue]:
        """Make a group, with nobody in it."""
        made = await service.add(caller_of(request), data.name, data.description)
        return tagged(values.GroupValue.of(made), made.version, 201, f"{PREFIX}/groups/{made.name}")

    @get("/groups/{name:str}", operation_id="showGroup", tags=["groups"], operation=Operation.GROUP_READ)
    async def show_group(request: ApiRequest, name: FromPath[str]) -> Response[values.GroupValue]:
        """One group."""
        group = await service.get(caller_of(request), name)
        return tagged(values.GroupValue.of(group), group.version)

    @delete("/groups/{name:str}", operation_id="removeGroup", tags=["groups"], operation=Operation.GROUP_REMOVE)
    async def remove_group(request: ApiRequest, name: FromPath[str], match: Match = None) -> None:
        """Remove a group with its grants."""
        await service.remove(caller_of(request), name, expected(match))

    @get("/groups/{name:str}/members", operation_id="listMembers", tags=["groups"], operation=Operation.MEMBER_READ)
    async def list_members(
        request: ApiRequest, name: FromPath[str], n: Size = PAGE, last: Last = ""
    ) -> Response[list[str]]:
        """Names of the accounts in a group."""
        page = await service.members(caller_of(request), name, page_of(n, last))
        return listed(request, page, str, str, n)

    @put(
        "/groups/{name:str}/members/{account:str}",
        operation_id="addMember",
        tags=["groups"],
        status_code=204,
        operation=Operation.MEMBER_CHANGE,
    )
    async def add_member(request: ApiRequest, name: FromPath[str], account: FromPath[str]) -> None:
        """Put an account into a group; it may be there already."""
        await service.join(caller_of(request), name, account)

    @delete(
        "/groups/{name:str}/members/{account:str}",
        operation_id="removeMember",
        tags=["groups"],
        operation=Operation.MEMBER_CHANGE,
    )
    async def remove_member(request: ApiRequest, name: FromPath[str], account: FromPath[str]) -> None:
        """Take an account out of a group."""
        await service.leave(caller_of(request), name, account)

    return [list_groups, add_group, show_group, remove_group, list_members, add_member, remove_member]


def _place(kind: PlaceKind | None, path: str) -> Place | None:
    if kind is None:
        if path:
            raise RequestInvalid("path says where in a kind of place: name the kind, too", {"field": "kind"})
        return None
    return Place(kind, path)


def grants(management: Management) -> list[HTTPRouteHandler]:
    """`/grants`."""
    service = management.grants

    @get("/grants", operation_id="listGrants", tags=["grants"], operation=Operation.GRANT_READ)
    async def list_grants(
        request: ApiRequest,
        n: Size = PAGE,
        last: Last = "",
        principal: Annotated[
            str | None, QueryParameter(name="principal", max_length=255, description="Only those of this principal.")
        ] = None,
        kind: Annotated[
            PlaceKind | None, QueryParameter(name="kind", description="Only those on exactly one place, of this kind …")
        ] = None,
        path: Annotated[str, QueryParameter(name="path", max_length=255, description="… and with this path.")] = "",
    ) -> Response[list[values.GrantValue]]:
        """Grants by number: the caller's own, and those on places that they administer."""
        place = _place(kind, path)
        page = await service.page(caller_of(request), page_of(n, last), principal=principal, place=place)
        return listed(request, page, values.GrantValue.of, lambda record: str(record.grant.id), n)

    @post("/grants", operation_id="addGrant", tags=["grants"], operation=Operation.GRANT_ADD)
    async def add_grant(request: ApiRequest, data: JSONBody[values.NewGrantValue]) -> Response[values.GrantValue]:
        """Give or deny somebody a role somewhere; no more than the caller may do there."""
        new = NewGrant(
            effect=data.effect,
            principal=data.principal,
            role=data.role,
            place=data.place,
            tags=data.tags,
            conditions=data.conditions,
            expires_at=values.moment(data.expires_at),
        )
        made = await service.add(caller_of(request), new)
        location = f"{PREFIX}/grants/{made.grant.id}"
        return Response(values.GrantValue.of(made), status_code=201, headers={"location": location})

    @get("/grants/{number:int}", operation_id="showGrant", tags=["grants"], operation=Operation.GRANT_READ)
    async def show_grant(request: ApiRequest, number: Number) -> values.GrantValue:
        """One grant."""
        return values.GrantValue.of(await service.get(caller_of(request), number))

    @delete("/grants/{number:int}", operation_id="removeGrant", tags=["grants"], operation=Operation.GRANT_REMOVE)
    async def remove_grant(request: ApiRequest, number: Number) -> None:
        """Take a grant away; it counts from the next request on."""
        await service.remove(caller_of(request), number)

    return [list_grants, add_grant, show_grant, remove_grant]
