"""Grants: made by those who administer a place, of no more than they may do there themselves."""

import ipaddress
from functools import partial

from orlop.domain.access import Caller, Conditions, Effect, Grant, Place, PlaceKind
from orlop.domain.access.actions import REGISTRY_WIDE, Action, all_denied
from orlop.domain.access.patterns import is_pattern
from orlop.domain.access.reach import Gift
from orlop.domain.errors import Conflict, NotFound, RequestInvalid
from orlop.domain.pages import Page, PageRequest
from orlop.domain.settings import checked_path
from orlop.ports.catalog import by
from orlop.ports.identity import Documents, GrantRecord, Grants, Members, NewGrant
from orlop.services.management.giving import Giving
from orlop.services.management.operations import Gate, Operation
from orlop.services.management.pages import every, seen
from orlop.services.management.roles import find_role
from orlop.services.management.sight import grant_sight

NETWORKS_MAX = 64
WINDOWS_MAX = 32


class GrantsOnPlaces:
    """See ports.identity.Grants. What a caller may not see is not there for them (NotFound)."""

    def __init__(self, gate: Gate, giving: Giving, grants: Grants, members: Members, documents: Documents) -> None:
        self._gate = gate
        self._giving = giving
        self._grants = grants
        self._members = members
        self._documents = documents

    async def page(
        self, caller: Caller, page: PageRequest, *, principal: str | None = None, place: Place | None = None
    ) -> Page[GrantRecord]:
        """By number: all for those who rule or audit the registry; else the caller's own and those on places that the
        caller administers."""
        sight = await grant_sight(self._gate, self._members, caller)
        return await seen(
            lambda part: self._grants.page(part, principal=principal, place=place),
            page,
            lambda record: str(record.grant.id),
            lambda record: sight.grant(record.grant),
        )

    async def get(self, caller: Caller, id: int) -> GrantRecord:  # noqa: A002
        """Raises NotFound."""
        sight = await grant_sight(self._gate, self._members, caller)
        record = await self._grants.get(id)
        if record is None or not sight.grant(record.grant):
            raise NotFound(f"there is no grant {id}, or not for you to see")
        return record

    async def add(self, caller: Caller, grant: NewGrant) -> GrantRecord:
        """Raises Denied for a place that the caller does not administer as a whole, and for a role that has more than
        they may do there; NotFound for an unknown principal or role; Conflict."""
        await self.check(caller, grant)
        return await self._grants.add(grant, by(caller, self._gate.now()))

    async def check(self, caller: Caller, grant: NewGrant) -> None:
        """Raises what `add` would but for an unknown principal, and writes nothing."""
        check_place(grant.place)
        check_conditions(grant.tags, grant.conditions)
        await self._giving.place(caller, grant.place)
        now = self._gate.now()
        if grant.expires_at and grant.expires_at <= now:
            raise RequestInvalid("the grant would have expired already", {"field": "expires_at"})
        role = await find_role(self._documents, grant.role)
        if grant.place.kind is not PlaceKind.REGISTRY and role.actions & REGISTRY_WIDE:
            raise RequestInvalid(f"the role {role.name} is about the registry as a whole; grant it on the registry")
        giving = grant.effect is Effect.ALLOW
        actions = role.actions if giving else all_denied(role.actions)
        gift = Gift(actions, grant.place, grant.tags, grant.conditions, grant.expires_at)
        verb = "to give" if giving else "to deny"
        await self._giving.gift(caller, gift, f"{verb} the role {role.name}")

    async def remove(self, caller: Caller, id: int) -> None:  # noqa: A002
        """Raises NotFound; Denied where the caller does not administer the place, or where that lifts what it denies;
        Conflict for the last grant by which anybody rules the registry."""
        grant = (await self.get(caller, id)).grant
        if not await self._gate.may(caller, Operation.GRANT_REMOVE):
            await self._giving.place(caller, grant.place)
        await self._giving.withdrawal(caller, grant)
        if _rules(grant) and not await self._others_rule(id):
            raise Conflict("nobody else rules the registry; grant the role admin to somebody first")
        await self._grants.remove(id, by(caller, self._gate.now()))

    async def _others_rule(self, id: int) -> bool:  # noqa: A002
        now = self._gate.now()
        grants = every(partial(self._grants.page, place=Place(PlaceKind.REGISTRY)), lambda record: str(record.grant.id))
        async for record in grants:
            if _rules(record.grant) and record.grant.id != id and not 0 < record.grant.expires_at <= now:
                return True
        return False


def _rules(grant: Grant) -> bool:
    return grant.effect is Effect.ALLOW and Action.SYSTEM in grant.actions and grant.place.kind is PlaceKind.REGISTRY


def check_place(place: Place) -> None:
    """Raises RequestInvalid for a place that cannot be one."""
    match place.kind:
        case PlaceKind.REGISTRY if place.path:
            raise RequestInvalid("the registry as a place has no path", {"field": "place"})
        case PlaceKind.NAMESPACE if not place.path:
            raise RequestInvalid("the root as a place is the registry", {"field": "place"})
        case PlaceKind.NAMESPACE:
            checked_path(place.path)
        case PlaceKind.REPOSITORIES if not is_pattern(place.path):
            raise RequestInvalid(
                f"{place.path[:160]!r} is no pattern of repositories: letters, digits, . _ - / and *, **"
            )


def check_conditions(tags: str, conditions: Conditions) -> None:
    """Raises RequestInvalid for conditions that cannot be read, or could never hold."""
    if tags and not is_pattern(tags):
        raise RequestInvalid(f"{tags[:160]!r} is no pattern of tags: letters, digits, . _ - and the wildcard *")
    if len(conditions.networks) > NETWORKS_MAX or len(conditions.windows) > WINDOWS_MAX:
        raise RequestInvalid(f"a grant has at most {NETWORKS_MAX} networks and {WINDOWS_MAX} windows")
    for network in conditions.networks:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError as error:
            raise RequestInvalid(f"{network[:64]!r} is no network; write 10.0.0.0/8 or 2001:db8::/32") from error
    for window in conditions.windows:
        if not window.days or not all(0 <= day <= 6 for day in window.days):
            raise RequestInvalid("the days of a window are numbers from 0 (Monday) to 6")
        if not (0 <= window.start < 1440 and 0 <= window.end <= 1440):
            raise RequestInvalid("a window begins at minute 0 to 1439 of the day and ends at minute 0 to 1440")
