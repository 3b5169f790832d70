"""Accounts that a sign-on provider vouches for, and the groups that it puts them in.

What a provider says is compared with what is there, first without a transaction: mostly there is nothing to do.
"""

from collections.abc import Mapping, Sequence

import msgspec

from orlop.adapters.sql.engine import Engine, Raced, Session
from orlop.adapters.sql.identity import rows
from orlop.adapters.sql.identity.groups import fill, made_group
from orlop.adapters.sql.identity.writing import changing
from orlop.adapters.sql.ledger import Ledger
from orlop.adapters.sql.records import each
from orlop.domain.events import EventKind
from orlop.domain.pages import Page, PageRequest, page_of
from orlop.ports.catalog import By
from orlop.ports.identity import Account, Group
from orlop.ports.identity_words import disabled_words, gone_from, unknown


class _Known(msgspec.Struct):
    """What the catalog has of a provider: rows by name, members by group, groups that grants name, names of others."""

    accounts: dict[str, tuple[int, str]]
    groups: dict[str, int]
    members: dict[str, set[str]]
    granted: set[str]
    foreign: set[str]


class _Wanted(msgspec.Struct):
    """What is to be done: members by group, groups that go, why which accounts are disabled from now on."""

    members: dict[str, set[str]]
    removed: list[str]
    disabled: dict[str, str]

    @property
    def nothing(self) -> bool:
        return not (self.members or self.removed or self.disabled)


class SqlExternalAccounts:
    """See ports.identity.ExternalAccounts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def external(self, source: str, authority: str, external: str) -> Account | None:
        row = await self._reader.one("account_external", source, authority, external)
        return rows.account(row) if row else None

    async def of_source(self, source: str, page: PageRequest) -> Page[Account]:
        found = await self._reader.all("account_page_of_source", source, page.after, page.size + 1)
        return page_of((rows.account(row) for row in found), page)

    async def synchronise(
        self, source: str, authority: str, groups: Mapping[str, Sequence[str]], gone: Sequence[str], by: By
    ) -> None:
        async def steps(tx: Session, ledger: Ledger) -> None:
            known = await _known(tx, source, authority, groups, lock=True)
            await _apply(tx, ledger, source, known, _all(source, known, groups, gone), by)

        known = await _known(self._reader, source, authority, groups, lock=False)
        if not _all(source, known, groups, gone).nothing:
            await changing(self._engine, by, steps)

    async def of_account(self, source: str, account: str, groups: Sequence[str], by: By) -> None:
        async def steps(tx: Session, ledger: Ledger) -> None:
            own = {name: row_id for row_id, name in await tx.all("groups_of_source_lock", source)}
            here, wanted = await _groups_of(tx, source, account, groups)
            for name in sorted(here ^ wanted):
                row_id = own.get(name) or (await made_group(tx, Group(name=name, source=source), by, ledger)).id
                await fill(tx, ledger, row_id, name, _just(account, name in here), _just(account, name in wanted))

        row = await self._reader.one("account_get", account)
        if row is None or rows.account(row).source != source:
            raise unknown(f"account of {source} called", account)
        here, wanted = await _groups_of(self._reader, source, account, groups)
        if here != wanted:
            await changing(self._engine, by, steps)


async def _groups_of(session: Session, source: str, account: str, groups: Sequence[str]) -> tuple[set[str], set[str]]:
    """Which groups of a provider an account is in, and which it is to be in."""
    named = await session.all("groups_named", each(sorted(set(groups))))
    foreign = {name for name, of in named if of != source}
    return (
        {name for name, _, of in await session.all("groups_of_account", account) if of == source},
        set(groups) - foreign,
    )


def _just(account: str, present: bool) -> set[str]:
    return {account} if present else set()


async def _known(
    session: Session, source: str, authority: str, groups: Mapping[str, Sequence[str]], *, lock: bool
) -> _Known:
    """What there is; with `lock` nobody else changes groups of the provider until the transaction ends."""
    groups_of_source = "groups_of_source_lock" if lock else "groups_of_source"
    own = {name: row_id for row_id, name in await session.all(groups_of_source, source)}
    accounts = await session.all("accounts_of_source", source, authority)
    names = {row_id: name for name, row_id in own.items()}
    members: dict[str, set[str]] = {name: set() for name in own}
    for row_id, account in await session.all("members_of_source", source):
        if row_id in names:  # else it was made a moment ago
            members[names[row_id]].add(account)
    granted = {names[row_id] for (row_id,) in await session.all("groups_of_source_granted", source) if row_id in names}
    named = await session.all("groups_named", each(sorted(set(groups))))
    return _Known(
        accounts={name: (row_id, disabled) for row_id, name, disabled in accounts},
        groups=own,
        members=members,
        granted=granted,
        foreign={name for name, of in named if of != source},
    )


def _all(source: str, known: _Known, groups: Mapping[str, Sequence[str]], gone: Sequence[str]) -> _Wanted:
    """Everything that a provider has, as it says now."""
    own, away, reason = set(known.accounts), set(gone), gone_from(source)
    members = {name: own & set(accounts) for name, accounts in groups.items() if name not in known.foreign}
    members |= {name: set() for name in known.groups if name not in groups}
    disabled = {}
    for name, (_, why) in known.accounts.items():
        if name in away and not why:
            disabled[name] = reason
        elif name not in away and why == reason:
            disabled[name] = ""
    return _Wanted(
        members={name: those for name, those in members.items() if known.members.get(name) != those},
        removed=[name for name in known.groups if name not in groups and name not in known.granted],
        disabled=disabled,
    )


async def _apply(tx: Session, ledger: Ledger, source: str, known: _Known, wanted: _Wanted, by: By) -> None:
    for name, members in sorted(wanted.members.items()):
        row_id = known.groups.get(name)
        if row_id is None:
            row_id = (await made_group(tx, Group(name=name, source=source), by, ledger)).id
            ledger.access()
        await fill(tx, ledger, row_id, name, known.members.get(name, ()), members)
    for name in sorted(wanted.removed):
        await tx.run("group_delete", known.groups[name])
        ledger.event(EventKind.GROUP_DELETED, subject=name)
        ledger.access()
    for name, why in sorted(wanted.disabled.items()):
        if await tx.one("account_set_disabled", *known.accounts[name], why) is None:
            raise Raced  # somebody else said something of it meanwhile
        ledger.event(EventKind.ACCOUNT_CHANGED, subject=name, detail=disabled_words(why))
        ledger.access()
