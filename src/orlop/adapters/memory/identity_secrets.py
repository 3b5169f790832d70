"""Tokens of users, secrets of robots, what clients keep after a login; and when each was used last."""

from collections.abc import Mapping

import msgspec

from orlop.adapters.memory.state import State
from orlop.domain.errors import Conflict
from orlop.domain.events import EventKind
from orlop.domain.pages import Page, PageRequest, after_number, page_of
from orlop.ports.catalog import By
from orlop.ports.identity import Account, Secret
from orlop.ports.identity_words import secret_words, too_many, unknown, warning


class MemorySecrets:
    """See ports.identity.Secrets and Uses."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._rows = state.identity

    async def add(self, secret: Secret, by: By, *, at_most: int) -> Secret:
        self._rows.account(secret.account)
        alike = [row for row in self._of(secret.account) if row.kind == secret.kind]
        if len(alike) >= at_most:
            raise too_many(secret, at_most)
        if any(row.lookup == secret.lookup for row in self._rows.secrets.values()):
            raise Conflict("there is a secret of this lookup already; make another")
        made = msgspec.structs.replace(
            secret,
            id=next(self._rows.ids),
            created_at=by.at,
            created_by=by.actor,
            warned_at=0,
            used_at=0,
            used_from="",
        )
        self._rows.secrets[made.id] = made
        self._state.event(EventKind.SECRET_ISSUED, by, subject=made.account, detail=secret_words(made))
        return made

    async def find(self, lookup: str) -> tuple[Secret, Account] | None:
        for secret in self._rows.secrets.values():
            if secret.lookup == lookup:
                return secret, self._rows.account(secret.account).account
        return None

    async def of(self, account: str, page: PageRequest) -> Page[Secret]:
        after = after_number(page)
        found = [secret for secret in self._of(account) if secret.id > after]
        return page_of(found, page)

    async def revoke(self, account: str, id: int, by: By) -> None:  # noqa: A002
        secret = self._rows.secrets.get(id)
        if secret is None or secret.account != account:
            raise unknown(f"secret of {account} numbered", id)
        del self._rows.secrets[id]
        self._state.event(EventKind.SECRET_REVOKED, by, subject=account, detail=secret_words(secret))
        self._rows.moved()

    async def expiring(self, before: int, now: int, limit: int) -> tuple[Secret, ...]:
        due = [
            secret
            for secret in self._rows.secrets.values()
            if now < secret.expires_at < before and not secret.warned_at and secret.kind != "refresh"
        ]
        warned = tuple(
            msgspec.structs.replace(secret, warned_at=now)
            for secret in sorted(due, key=lambda secret: (secret.expires_at, secret.id))[:limit]
        )
        for secret in warned:
            self._rows.secrets[secret.id] = secret
            self._state.event(
                EventKind.SECRET_EXPIRING, warning(now), subject=secret.account, detail=secret_words(secret)
            )
        return warned

    async def record(self, secrets: Mapping[int, tuple[int, str]], accounts: Mapping[int, tuple[int, str]]) -> None:
        for number, (at, address) in secrets.items():
            secret = self._rows.secrets.get(number)
            if secret is not None and secret.used_at <= at:
                self._rows.secrets[number] = msgspec.structs.replace(secret, used_at=at, used_from=address)
        for row in self._rows.accounts.values():
            at, address = accounts.get(row.account.id, (-1, ""))
            if row.account.used_at <= at:
                row.account = msgspec.structs.replace(row.account, used_at=at, used_from=address)

    def _of(self, account: str) -> list[Secret]:
        return [secret for _, secret in sorted(self._rows.secrets.items()) if secret.account == account]
