"""Which grants somebody may see: their own and their groups', and those on places that they administer."""

from orlop.domain.access import Caller, Grant, PlaceKind
from orlop.domain.access.subjects import group_principal
from orlop.ports.identity import Members
from orlop.services.management.operations import Administered, Gate


class GrantSight:
    """What one caller may see, by the rights that they had a moment ago. Made by `grant_sight`."""

    def __init__(self, seeing: Administered, account: str, groups: frozenset[str]) -> None:
        self.seeing = seeing
        self.groups = groups
        """Names of the groups that the caller is in: nobody is told who is in others but those who see everything."""
        self._mine = frozenset({account, *map(group_principal, groups)})

    @property
    def everything(self) -> bool:
        """Whether the caller sees all there is: those who rule or audit the registry do."""
        return self.seeing.everything

    def grant(self, grant: Grant) -> bool:
        """Whether the caller may see that there is this grant."""
        if grant.principal in self._mine:
            return True
        match grant.place.kind:
            case PlaceKind.REGISTRY:
                return self.everything
            case PlaceKind.NAMESPACE:
                return self.seeing.namespace(grant.place.path)
            case PlaceKind.REPOSITORIES:
                return self.seeing.place(grant.place)

    def holds(self, principal: str, grant: Grant) -> bool:
        """Whether the caller may see that an account or group has this grant, by itself or by a group of its."""
        return self.everything or (self.grant(grant) and grant.principal in {principal, *self._mine})


async def grant_sight(gate: Gate, members: Members, caller: Caller) -> GrantSight:
    """What a caller may see. Raises Unauthorized where nobody is signed in."""
    seeing = await gate.administers(caller)
    groups = await members.of_account(caller.subject.name)
    return GrantSight(seeing, caller.subject.name, frozenset(groups))
