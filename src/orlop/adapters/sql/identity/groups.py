"""Groups, and who is in them."""

from collections.abc import Collection, Sequence

import msgspec

from orlop.adapters.sql.engine import Engine, Session
from orlop.adapters.sql.identity import rows
from orlop.adapters.sql.identity.accounts import ALL
from orlop.adapters.sql.identity.writing import changing, locked_group, remove_grants
from orlop.adapters.sql.ledger import Ledger
from orlop.adapters.sql.records import each
from orlop.domain.events import EventKind
from orlop.domain.pages import Page, PageRequest, page_of
from orlop.ports.catalog import By
from orlop.ports.identity import Group
from orlop.ports.identity_words import members_words, refuse_foreign, refuse_stale, taken, unknown


class SqlGroups:
    """See ports.identity.Groups."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def add(self, group: Group, by: By) -> Group:
        async def steps(tx: Session, ledger: Ledger) -> Group:
            if await tx.one("group_get", group.name) is not None:
                raise taken("group", group.name)
            made = await made_group(tx, group, by, ledger)
            ledger.access()
            return made

        return await changing(self._engine, by, steps)

    async def get(self, name: str) -> Group | None:
        row = await self._reader.one("group_get", name)
        return rows.group(row) if row else None

    async def page(self, page: PageRequest) -> Page[Group]:
        found = await self._reader.all("group_page", page.after, page.size + 1)
        return page_of((rows.group(row) for row in found), page)

    async def remove(self, name: str, by: By, *, expected: int | None = None) -> None:
        async def steps(tx: Session, ledger: Ledger) -> None:
            row_id, _, version = await locked_group(tx, name)
            refuse_stale(f"group {name}", version, expected)
            await remove_grants(tx, ledger, await tx.all("grant_page_of_group", name, 0, ALL))
            await tx.run("members_delete", row_id)
            await tx.run("group_delete", row_id)
            ledger.event(EventKind.GROUP_DELETED, subject=name)
            ledger.access()

        await changing(self._engine, by, steps)


class SqlMembers:
    """See ports.identity.Members."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def of_group(self, group: str, page: PageRequest) -> Page[str]:
        row = await self._reader.one("group_get", group)
        if row is None:
            raise unknown("group", group)
        found = await self._reader.all("member_page", row[0], page.after, page.size + 1)
        return page_of((name for (name,) in found), page)

    async def of_account(self, account: str) -> tuple[str, ...]:
        found = await self._reader.all("groups_of_account", account)
        if not found and await self._reader.one("account_get", account) is None:
            raise unknown("account", account)
        return tuple(sorted(row[0] for row in found))

    async def set(self, group: str, *, add: Sequence[str] = (), remove: Sequence[str] = (), by: By) -> None:
        async def steps(tx: Session, ledger: Ledger) -> None:
            row_id, source, _ = await locked_group(tx, group)
            refuse_foreign(group, source)
            known = {name for (name,) in await tx.all("accounts_named", each(sorted(set(add))))} if add else set()
            for name in add:
                if name not in known:
                    raise unknown("account", name)
            before = {name for (name,) in await tx.all("members_of_group", row_id)}
            await fill(tx, ledger, row_id, group, before, (before - set(remove)) | set(add))

        await changing(self._engine, by, steps)


async def made_group(tx: Session, group: Group, by: By, ledger: Ledger) -> Group:
    """A new group, without members."""
    row = await tx.one("group_insert", group.name, group.source, group.description, by.at, by.actor)
    assert row is not None
    ledger.event(EventKind.GROUP_CREATED, subject=group.name)
    return msgspec.structs.replace(group, id=row[0], members=0, created_at=by.at, created_by=by.actor, version=1)


async def fill(
    tx: Session, ledger: Ledger, row_id: int, name: str, before: Collection[str], after: Collection[str]
) -> None:
    """Make the members of a locked group others than they are; nothing where they are so already."""
    added, removed = set(after) - set(before), set(before) - set(after)
    if removed:
        await tx.many("member_delete", [(row_id, account) for account in sorted(removed)])
    if added:
        await tx.many("member_insert", [(row_id, account) for account in sorted(added)])
    if added or removed:
        await tx.run("group_changed", row_id)
        ledger.event(EventKind.GROUP_CHANGED, subject=name, detail=members_words(added, removed))
        ledger.access()
