"""Groups and who is in them: changed by those who rule the registry; everybody sees their own."""

from orlop.domain.access import Caller
from orlop.domain.access.subjects import group_principal, is_group_name
from orlop.domain.errors import Conflict, NotFound, RequestInvalid
from orlop.domain.pages import Page, PageRequest
from orlop.ports.catalog import by
from orlop.ports.identity import LOCAL, Group, Groups, Members
from orlop.services.management.giving import Giving
from orlop.services.management.named import NamedInRules
from orlop.services.management.operations import Gate, Operation
from orlop.services.management.pages import beginning, seen

DESCRIPTION_MAX = 512


class GroupsAndMembers:
    """See ports.identity.Groups and Members. Groups of a sign-on provider are its own to fill."""

    def __init__(self, gate: Gate, giving: Giving, groups: Groups, members: Members, named: NamedInRules) -> None:
        self._gate = gate
        self._giving = giving
        self._groups = groups
        self._members = members
        self._named = named

    async def page(self, caller: Caller, page: PageRequest, begins: str = "") -> Page[Group]:
        """By name: all for those who rule or audit the registry, else those that the caller is in. `begins`: how their
        names begin."""

        async def groups(part: PageRequest) -> Page[Group]:
            return await beginning(self._groups.page, part, lambda group: group.name, begins)

        if await self._gate.may(caller, Operation.GROUP_READ):
            return await groups(page)
        mine = await self.mine(caller)
        if not mine:
            return Page(())
        return await seen(groups, page, lambda group: group.name, lambda group: group.name in mine)

    async def mine(self, caller: Caller) -> frozenset[str]:
        """Names of the groups that the caller is in. Raises Unauthorized where nobody is signed in."""
        await self._gate.rights(caller)
        return frozenset(await self._members.of_account(caller.subject.name))

    async def get(self, caller: Caller, name: str) -> Group:
        """Raises NotFound."""
        if not await self._gate.may(caller, Operation.GROUP_READ, own=name in await self.mine(caller)):
            raise _unknown(name)
        group = await self._groups.get(name)
        if group is None:
            raise _unknown(name)
        return group

    async def add(self, caller: Caller, name: str, description: str) -> Group:
        """Raises Conflict."""
        await self._gate.check(caller, Operation.GROUP_ADD)
        if not is_group_name(name):
            raise RequestInvalid(
                "a group's name is 1 to 128 lower-case letters, digits and . _ @ - with none of these at an end",
                {"name": name[:160]},
            )
        check_description(description)
        return await self._groups.add(Group(name=name, description=description), by(caller, self._gate.now()))

    async def remove(self, caller: Caller, name: str, expected: int | None) -> None:
        """With its memberships and grants, and out of every rule that names it. Raises NotFound, Stale; Denied where it
        denies what the caller may not."""
        await self._gate.check(caller, Operation.GROUP_REMOVE)
        await self._giving.standing(caller, group_principal(name), lifting=True)
        done = by(caller, self._gate.now())
        await self._groups.remove(name, done, expected=expected)
        await self._named.forget(group_principal(name), done)

    async def members(self, caller: Caller, name: str, page: PageRequest) -> Page[str]:
        """Names of accounts. Raises NotFound."""
        await self._gate.check(caller, Operation.MEMBER_READ)
        return await self._members.of_group(name, page)

    async def join(self, caller: Caller, name: str, account: str) -> None:
        """Put an account into it. Raises NotFound; Denied where it gives more than the caller has."""
        await self._changeable(caller, name)
        await self._giving.standing(caller, group_principal(name))
        await self._members.set(name, add=(account,), by=by(caller, self._gate.now()))

    async def leave(self, caller: Caller, name: str, account: str) -> None:
        """Take an account out of it. Raises NotFound; Denied where that lifts what it denies."""
        await self._changeable(caller, name)
        if name not in await self._members.of_account(account):
            raise NotFound(f"{account} is not in the group {name}")
        await self._giving.standing(caller, group_principal(name), lifting=True)
        await self._members.set(name, remove=(account,), by=by(caller, self._gate.now()))

    async def _changeable(self, caller: Caller, name: str) -> None:
        await self._gate.check(caller, Operation.MEMBER_CHANGE)
        group = await self._groups.get(name)
        if group is None:
            raise _unknown(name)
        if group.source != LOCAL:
            raise Conflict(f"the group {name} is filled by {group.source}; change it there")


def check_description(text: str) -> None:
    """Raises RequestInvalid for what is too long or does not print."""
    if len(text) > DESCRIPTION_MAX or not text.isprintable():
        raise RequestInvalid(
            f"a description is at most {DESCRIPTION_MAX} printable characters on one line", {"field": "description"}
        )


def _unknown(name: str) -> NotFound:
    return NotFound(f"there is no group {name}, or not for you to see")
