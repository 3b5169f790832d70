"""Users and robots, and the passwords of those who have one."""

from collections.abc import Sequence

import msgspec

from orlop.adapters.sql.engine import Engine, Session
from orlop.adapters.sql.identity import rows
from orlop.adapters.sql.identity.writing import changing, locked_account, remove_grants
from orlop.adapters.sql.ledger import Ledger
from orlop.domain.access import SubjectKind
from orlop.domain.events import EventKind
from orlop.domain.pages import Page, PageRequest, page_of
from orlop.ports.catalog import By
from orlop.ports.identity import Account, AccountChange, PasswordRecord
from orlop.ports.identity_words import account_words, changed, known_already, password_words, refuse_stale, taken

#: More than anybody has grants: all of one subject's are read at once where they go with it.
ALL = 2**31


class SqlAccounts:
    """See ports.identity.Accounts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def add(self, account: Account, by: By) -> Account:
        async def steps(tx: Session, ledger: Ledger) -> Account:
            if await tx.one("account_get", account.name) is not None:
                raise taken("account", account.name)
            if account.external:
                await _refuse_twice(tx, account)
            row = await tx.one(
                "account_insert",
                account.kind.value,
                account.name,
                account.display,
                account.email,
                account.source,
                account.external,
                account.namespace,
                int(account.must_change),
                b"",
                account.disabled,
                account.expires_at,
                by.at,
                by.actor,
                account.authority,
                max(by.at, 1),
            )
            assert row is not None
            ledger.event(EventKind.ACCOUNT_CREATED, subject=account.name, detail=account_words(account))
            ledger.access()
            return msgspec.structs.replace(
                account,
                id=row[0],
                has_password=False,
                second_factors=(),
                created_at=by.at,
                created_by=by.actor,
                used_at=0,
                used_from="",
                version=1,
                epoch=max(by.at, 1),
                signed_in_from="",
            )

        return await changing(self._engine, by, steps)

    async def get(self, name: str) -> Account | None:
        row = await self._reader.one("account_get", name)
        return rows.account(row) if row else None

    async def page(self, kind: SubjectKind, page: PageRequest, *, namespace: str | None = None) -> Page[Account]:
        if namespace is None:
            found = await self._reader.all("account_page", kind.value, page.after, page.size + 1)
        elif kind is SubjectKind.ROBOT:
            found = await self._reader.all("account_page_of_namespace", namespace, page.after, page.size + 1)
        else:
            found = []
        return page_of((rows.account(row) for row in found), page)

    async def change(self, name: str, change: AccountChange, by: By, *, expected: int | None = None) -> Account:
        async def steps(tx: Session, ledger: Ledger) -> Account:
            before = await locked_account(tx, name)
            refuse_stale(f"account {name}", before.version, expected)
            after, words = changed(before, change)
            if after.authority != before.authority:
                await _refuse_twice(tx, after)
            if words:
                await tx.run(
                    "account_update",
                    after.id,
                    after.display,
                    after.email,
                    after.disabled,
                    after.expires_at,
                    after.version,
                    after.authority,
                )
                ledger.event(EventKind.ACCOUNT_CHANGED, subject=name, detail=words)
                ledger.access()
            return after

        return await changing(self._engine, by, steps)

    async def remove(self, name: str, by: By, *, expected: int | None = None) -> None:
        async def steps(tx: Session, ledger: Ledger) -> None:
            account = await locked_account(tx, name)
            refuse_stale(f"account {name}", account.version, expected)
            await remove_grants(tx, ledger, await tx.all("grant_page_of_account", name, 0, ALL))
            await tx.run("memberships_delete", name)
            await tx.run("secrets_delete", account.id)
            await tx.run("sessions_delete", account.id)
            await tx.run("account_delete", account.id)
            ledger.event(EventKind.ACCOUNT_DELETED, subject=name)
            ledger.access()

        await changing(self._engine, by, steps)


async def _refuse_twice(tx: Session, account: Account) -> None:
    """Raises Conflict where another account is of the same person of a provider."""
    row = await tx.one("account_external", account.source, account.authority, account.external)
    if row is not None and row[0] != account.id:
        raise known_already(account)


class SqlPasswords:
    """See ports.identity.Passwords."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def get(self, name: str) -> PasswordRecord | None:
        row = await self._engine.reader.one("account_password", name)
        return PasswordRecord(rows.account(row), row[rows.ACCOUNT], row[rows.ACCOUNT + 1]) if row else None

    async def set(self, name: str, hash: str | None, *, must_change: bool, by: By) -> None:  # noqa: A002
        async def steps(tx: Session, ledger: Ledger) -> None:
            account = await locked_account(tx, name)
            await tx.run("account_set_password", account.id, hash, int(must_change))
            await tx.run("account_new_epoch", account.id, by.at)
            await tx.run("sessions_delete", account.id)
            await tx.run("secrets_delete_of_kind", account.id, "refresh")
            ledger.event(EventKind.PASSWORD_SET, subject=name, detail=password_words(hash, must_change=must_change))
            ledger.access()

        await changing(self._engine, by, steps)

    async def set_factors(self, name: str, factors: bytes, kinds: Sequence[str], by: By, *, session: str = "") -> None:
        async def steps(tx: Session, ledger: Ledger) -> None:
            account = await locked_account(tx, name)
            await tx.run("account_set_factors", account.id, factors, rows.json(tuple(kinds)))
            if kinds and not account.second_factors:
                await tx.run("account_new_epoch", account.id, by.at)
                await tx.run("sessions_delete_but", account.id, session)
                await tx.run("secrets_delete_of_kind", account.id, "refresh")
            ledger.event(EventKind.FACTORS_SET, subject=name, detail=", ".join(kinds) or "none")
            ledger.access()

        await changing(self._engine, by, steps)
