"""Groups, and who is in them."""

from collections.abc import Sequence

import msgspec

from orlop.adapters.memory.identity_rows import GroupRow
from orlop.adapters.memory.state import State
from orlop.domain.events import EventKind
from orlop.domain.pages import Page, PageRequest, page_of
from orlop.ports.catalog import By
from orlop.ports.identity import GROUP_PREFIX, Group
from orlop.ports.identity_words import members_words, refuse_foreign, refuse_stale, taken


class MemoryGroups:
    """See ports.identity.Groups; `members` is ports.identity.Members."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._rows = state.identity
        self.members = MemoryMembers(state)

    async def add(self, group: Group, by: By) -> Group:
        if group.name in self._rows.groups:
            raise taken("group", group.name)
        row = made_group(self._state, group, by)
        self._rows.moved()
        return row.group

    async def get(self, name: str) -> Group | None:
        row = self._rows.groups.get(name)
        return _counted(row) if row else None

    async def page(self, page: PageRequest) -> Page[Group]:
        found = [row for name, row in sorted(self._rows.groups.items()) if name > page.after]
        return page_of((_counted(row) for row in found), page)

    async def remove(self, name: str, by: By, *, expected: int | None = None) -> None:
        refuse_stale(f"group {name}", self._rows.group(name).group.version, expected)
        principal = f"{GROUP_PREFIX}{name}"
        for record in self._rows.grants_of(principal):
            del self._rows.grants[record.grant.id]
            self._state.event(EventKind.GRANT_REMOVED, by, subject=principal, detail=str(record.grant))
        del self._rows.groups[name]
        self._state.event(EventKind.GROUP_DELETED, by, subject=name)
        self._rows.moved()


class MemoryMembers:
    """See ports.identity.Members."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._rows = state.identity

    async def of_group(self, group: str, page: PageRequest) -> Page[str]:
        found = sorted(name for name in self._rows.group(group).members if name > page.after)
        return page_of(found, page)

    async def of_account(self, account: str) -> tuple[str, ...]:
        self._rows.account(account)
        return self._rows.groups_of(account)

    async def set(self, group: str, *, add: Sequence[str] = (), remove: Sequence[str] = (), by: By) -> None:
        row = self._rows.group(group)
        refuse_foreign(group, row.group.source)
        for name in add:
            self._rows.account(name)
        if filled(self._state, row, (row.members - set(remove)) | set(add), by):
            self._rows.moved()


def made_group(state: State, group: Group, by: By) -> GroupRow:
    """A new group, without members."""
    made = msgspec.structs.replace(
        group, id=next(state.identity.ids), members=0, created_at=by.at, created_by=by.actor, version=1
    )
    row = state.identity.groups[group.name] = GroupRow(made)
    state.event(EventKind.GROUP_CREATED, by, subject=group.name)
    return row


def filled(state: State, row: GroupRow, members: set[str], by: By) -> bool:
    """Make these the members of a group; whether that changed anything."""
    added, removed = members - row.members, row.members - members
    if not added and not removed:
        return False
    row.members = members
    row.group = msgspec.structs.replace(row.group, version=row.group.version + 1)
    state.event(EventKind.GROUP_CHANGED, by, subject=row.group.name, detail=members_words(added, removed))
    return True


def _counted(row: GroupRow) -> Group:
    return msgspec.structs.replace(row.group, members=len(row.members))
