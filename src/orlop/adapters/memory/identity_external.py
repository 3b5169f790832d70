"""Accounts that a sign-on provider vouches for, and the groups that it puts them in."""

from collections.abc import Mapping, Sequence

from orlop.adapters.memory.identity_groups import filled, made_group
from orlop.adapters.memory.state import State
from orlop.domain.events import EventKind
from orlop.domain.pages import Page, PageRequest, page_of
from orlop.ports.catalog import By
from orlop.ports.identity import GROUP_PREFIX, LOCAL, Account, AccountChange, Group
from orlop.ports.identity_words import changed, gone_from, unknown


class MemoryExternalAccounts:
    """See ports.identity.ExternalAccounts."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._rows = state.identity

    async def external(self, source: str, external: str) -> Account | None:
        for row in self._rows.accounts.values():
            if external and (row.account.source, row.account.external) == (source, external):
                return row.account
        return None

    async def of_source(self, source: str, page: PageRequest) -> Page[Account]:
        rows = [row.account for name, row in sorted(self._rows.accounts.items()) if name > page.after]
        found = [account for account in rows if account.source == source != LOCAL]
        return page_of(found, page)

    async def synchronise(self, source: str, groups: Mapping[str, Sequence[str]], gone: Sequence[str], by: By) -> None:
        own = {name for name, row in self._rows.accounts.items() if row.account.source == source}
        moved = False
        for name, members in sorted(groups.items()):
            moved |= self._fill(source, name, own & set(members), by)
        for name, row in sorted(self._rows.groups.items()):
            if row.group.source == source and name not in groups:
                moved |= filled(self._state, row, set(), by)
                if not self._rows.grants_of(f"{GROUP_PREFIX}{name}"):
                    del self._rows.groups[name]
                    self._state.event(EventKind.GROUP_DELETED, by, subject=name)
                    moved = True
        for name in sorted(own):
            moved |= self._present(name, source, by, present=name not in gone)
        if moved:
            self._rows.moved()

    async def of_account(self, source: str, account: str, groups: Sequence[str], by: By) -> None:
        row = self._rows.accounts.get(account)
        if row is None or row.account.source != source:
            raise unknown(f"account of {source} called", account)
        moved = False
        for name in sorted(groups):
            known = self._rows.groups.get(name)
            moved |= self._fill(source, name, (known.members if known else set()) | {account}, by)
        for name, group in sorted(self._rows.groups.items()):
            if group.group.source == source and name not in groups:
                moved |= filled(self._state, group, group.members - {account}, by)
        if moved:
            self._rows.moved()

    def _fill(self, source: str, name: str, members: set[str], by: By) -> bool:
        """Make these the members of a group of this source, made where there is none of its name."""
        row = self._rows.groups.get(name)
        if row is not None and row.group.source != source:
            return False
        made = row is None
        if row is None:
            row = made_group(self._state, Group(name=name, source=source), by)
        return filled(self._state, row, members, by) or made

    def _present(self, name: str, source: str, by: By, *, present: bool) -> bool:
        """Disable an account that is gone, and enable one that is back."""
        row, reason = self._rows.accounts[name], gone_from(source)
        before, after = (reason, "") if present else ("", reason)
        if row.account.disabled != before:
            return False
        row.account, words = changed(row.account, AccountChange(disabled=after))
        self._state.event(EventKind.ACCOUNT_CHANGED, by, subject=name, detail=words)
        return True
