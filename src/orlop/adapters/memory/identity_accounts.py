"""Users and robots, and the passwords of those who have one."""

from collections.abc import Sequence

import msgspec

from orlop.adapters.memory.identity_rows import AccountRow
from orlop.adapters.memory.state import State
from orlop.domain.access import SubjectKind
from orlop.domain.events import EventKind
from orlop.domain.pages import Page, PageRequest, page_of
from orlop.ports.catalog import By
from orlop.ports.identity import Account, AccountChange, PasswordRecord
from orlop.ports.identity_words import account_words, changed, known_already, password_words, refuse_stale, taken


class MemoryAccounts:
    """See ports.identity.Accounts."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._rows = state.identity

    async def add(self, account: Account, by: By) -> Account:
        if account.name in self._rows.accounts:
            raise taken("account", account.name)
        if account.external and any(
            (row.account.source, row.account.external) == (account.source, account.external)
            for row in self._rows.accounts.values()
        ):
            raise known_already(account)
        made = msgspec.structs.replace(
            account,
            id=next(self._rows.ids),
            has_password=False,
            second_factors=(),
            created_at=by.at,
            created_by=by.actor,
            used_at=0,
            used_from="",
            version=1,
        )
        self._rows.accounts[made.name] = AccountRow(made)
        self._state.event(EventKind.ACCOUNT_CREATED, by, subject=made.name, detail=account_words(made))
        self._rows.moved()
        return made

    async def get(self, name: str) -> Account | None:
        row = self._rows.accounts.get(name)
        return row.account if row else None

    async def page(self, kind: SubjectKind, page: PageRequest, *, namespace: str | None = None) -> Page[Account]:
        found = sorted(
            (
                row.account
                for name, row in self._rows.accounts.items()
                if name > page.after
                and row.account.kind is kind
                and (namespace is None or (row.account.kind, row.account.namespace) == (SubjectKind.ROBOT, namespace))
            ),
            key=lambda account: account.name,
        )
        return page_of(found, page)

    async def change(self, name: str, change: AccountChange, by: By, *, expected: int | None = None) -> Account:
        row = self._rows.account(name)
        refuse_stale(f"account {name}", row.account.version, expected)
        after, words = changed(row.account, change)
        if words:
            row.account = after
            self._state.event(EventKind.ACCOUNT_CHANGED, by, subject=name, detail=words)
            self._rows.moved()
        return row.account

    async def remove(self, name: str, by: By, *, expected: int | None = None) -> None:
        rows = self._rows
        refuse_stale(f"account {name}", rows.account(name).account.version, expected)
        for record in rows.grants_of(name):
            del rows.grants[record.grant.id]
            self._state.event(EventKind.GRANT_REMOVED, by, subject=name, detail=str(record.grant))
        for row in rows.groups.values():
            row.members.discard(name)
        rows.secrets = {number: secret for number, secret in rows.secrets.items() if secret.account != name}
        rows.sessions = {key: session for key, session in rows.sessions.items() if session.account != name}
        rows.sign_ons = {key: sign_on for key, sign_on in rows.sign_ons.items() if sign_on.account != name}
        del rows.accounts[name]
        self._state.event(EventKind.ACCOUNT_DELETED, by, subject=name)
        rows.moved()


class MemoryPasswords:
    """See ports.identity.Passwords."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._rows = state.identity

    async def get(self, name: str) -> PasswordRecord | None:
        row = self._rows.accounts.get(name)
        return PasswordRecord(row.account, row.hash, row.factors) if row else None

    async def set(self, name: str, hash: str | None, *, must_change: bool, by: By) -> None:  # noqa: A002
        rows, row = self._rows, self._rows.account(name)
        row.hash = hash
        row.account = msgspec.structs.replace(
            row.account, has_password=hash is not None, must_change=must_change, version=row.account.version + 1
        )
        rows.sessions = {key: session for key, session in rows.sessions.items() if session.account != name}
        rows.secrets = {
            number: secret
            for number, secret in rows.secrets.items()
            if secret.account != name or secret.kind != "refresh"
        }
        self._state.event(
            EventKind.PASSWORD_SET, by, subject=name, detail=password_words(hash, must_change=must_change)
        )
        rows.moved()

    async def set_factors(self, name: str, factors: bytes, kinds: Sequence[str], by: By) -> None:
        row = self._rows.account(name)
        row.factors = factors
        row.account = msgspec.structs.replace(row.account, second_factors=tuple(kinds), version=row.account.version + 1)
        self._state.event(EventKind.FACTORS_SET, by, subject=name, detail=", ".join(kinds) or "none")
        self._rows.moved()
