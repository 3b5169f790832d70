"""Tokens of users, secrets of robots, what clients keep after a login; and when each was used last."""

from collections.abc import Mapping

import msgspec

from orlop.adapters.sql.engine import Engine, Session
from orlop.adapters.sql.identity import rows
from orlop.adapters.sql.identity.writing import changing, locked_account
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.domain.errors import Conflict
from orlop.domain.events import EventKind
from orlop.domain.pages import Page, PageRequest, after_number, page_of
from orlop.ports.catalog import By
from orlop.ports.identity import Account, Secret
from orlop.ports.identity_words import refuse_over, secret_words, too_many, unknown, warning


class SqlSecrets:
    """See ports.identity.Secrets."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def add(self, secret: Secret, by: By, *, at_most: int, epoch: int = 0) -> Secret:
        async def steps(tx: Session, ledger: Ledger) -> Secret:
            account = await locked_account(tx, secret.account)
            refuse_over(account, epoch)
            alike = await tx.one("secret_count", account.id, secret.kind)
            assert alike is not None
            if alike[0] >= at_most:
                raise too_many(secret, at_most)
            row = await tx.one(
                "secret_insert",
                account.id,
                secret.kind,
                secret.name,
                secret.lookup,
                secret.hash,
                None if secret.limits is None else rows.json(secret.limits),
                by.at,
                by.actor,
                secret.expires_at,
            )
            if row is None:
                raise Conflict("there is a secret of this lookup already; make another")
            made = msgspec.structs.replace(
                secret, id=row[0], created_at=by.at, created_by=by.actor, warned_at=0, used_at=0, used_from=""
            )
            ledger.event(EventKind.SECRET_ISSUED, subject=secret.account, detail=secret_words(made))
            return made

        return await self._engine.write(recorded(by, steps), changes=False)

    async def find(self, lookup: str) -> tuple[Secret, Account] | None:
        row = await self._reader.one("secret_find", lookup)
        return (rows.secret(row), rows.account(row[rows.SECRET :])) if row else None

    async def of(self, account: str, page: PageRequest) -> Page[Secret]:
        found = await self._reader.all("secret_page", account, after_number(page), page.size + 1)
        return page_of((rows.secret(row) for row in found), page)

    async def revoke(self, account: str, id: int, by: By) -> None:  # noqa: A002
        async def steps(tx: Session, ledger: Ledger) -> None:
            row = await tx.one("secret_revoke", account, id)
            if row is None:
                raise unknown(f"secret of {account} numbered", id)
            gone = Secret(id=id, account=account, kind=row[0], name=row[1], lookup="", hash="")
            ledger.event(EventKind.SECRET_REVOKED, subject=account, detail=secret_words(gone))
            ledger.access()

        await changing(self._engine, by, steps)

    async def expiring(self, before: int, now: int, limit: int) -> tuple[Secret, ...]:
        async def steps(tx: Session, ledger: Ledger) -> tuple[Secret, ...]:
            due = [rows.secret(row) for row in await tx.all("secrets_expiring", now, before, limit)]
            if due:
                await tx.many("secret_warned", [(secret.id, now) for secret in due])
            for secret in due:
                ledger.event(EventKind.SECRET_EXPIRING, subject=secret.account, detail=secret_words(secret))
            return tuple(msgspec.structs.replace(secret, warned_at=now) for secret in due)

        return await self._engine.write(recorded(warning(now), steps), changes=False)

    async def robots_ending(self, before: int, now: int, limit: int) -> tuple[tuple[Secret, str], ...]:
        found = await self._reader.all("secrets_of_robots_ending", now, before, limit)
        return tuple((rows.secret(row), row[rows.SECRET] or "") for row in found)


class SqlUses:
    """See ports.identity.Uses. What a power cut takes is of no consequence."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def record(
        self,
        secrets: Mapping[int, tuple[int, str]],
        accounts: Mapping[int, tuple[int, str]],
        sign_ins: Mapping[int, str] | None = None,
    ) -> None:
        async def script(tx: Session) -> None:
            if accounts:
                await tx.many("account_used", [(row_id, *use) for row_id, use in sorted(accounts.items())])
            if sign_ins:
                await tx.many("account_signed_in", sorted(sign_ins.items()))
            if secrets:
                await tx.many("secret_used", [(row_id, *use) for row_id, use in sorted(secrets.items())])

        await self._engine.write(script, durable=False, changes=False)
