"""Keys that sign tokens, failed attempts to sign in, and browsers that are signed in."""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256

from orlop.adapters.sql.engine import Engine
from orlop.adapters.sql.engine import Session as Tx
from orlop.adapters.sql.identity import rows
from orlop.adapters.sql.identity.writing import changing, locked_account
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.records import each
from orlop.domain.errors import Conflict
from orlop.domain.events import EventKind
from orlop.ports.catalog import By
from orlop.ports.clock import HOUR
from orlop.ports.identity import Account, Attempts, Secret, Session, SigningKey
from orlop.ports.identity_words import refuse_over, secret_words, session_words


class SqlSigningKeys:
    """See ports.identity.SigningKeys."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def all(self) -> tuple[SigningKey, ...]:
        return await _keys(self._engine.reader)

    async def add(self, key: SigningKey, by: By, *, unless_newer_than: int) -> tuple[SigningKey, ...]:
        async def steps(tx: Tx, ledger: Ledger) -> tuple[SigningKey, ...]:
            # Two replicas that want a key at the same time: the second sees the first one's.
            await tx.run("access_begin")
            await tx.one("access_lock")
            if not any(known.active_at > unless_newer_than for known in await _keys(tx)):
                values = (key.id, key.algorithm, key.private, key.created_at, key.active_at, key.expires_at)
                if await tx.one("key_insert", *values) is None:
                    raise Conflict(f"there is a key {key.id} already")
                ledger.event(EventKind.KEY_ADDED, subject=key.id, detail=key.algorithm)
                ledger.access()
            return await _keys(tx)

        return await changing(self._engine, by, steps)

    async def forget(self, expired_before: int, by: By) -> None:
        async def steps(tx: Tx, ledger: Ledger) -> None:
            if await tx.all("keys_forget", expired_before):
                ledger.access()

        if any(key.expires_at < expired_before for key in await self.all()):
            await changing(self._engine, by, steps)


async def _keys(session: Tx) -> tuple[SigningKey, ...]:
    found = [SigningKey(*row) for row in await session.all("keys_all")]
    return tuple(sorted(found, key=lambda key: (key.created_at, key.id)))


class SqlFailedAttempts:
    """See ports.identity.FailedAttempts. What a power cut takes is forgiven.

    Keys are kept as their hashes: they come from strangers, may be of any length, and a name may be a password that was
    typed in the wrong place.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def get(self, keys: Sequence[str]) -> dict[str, Attempts]:
        hashes = {_hash(key): key for key in keys}
        found = await self._engine.reader.all("attempts_get", each(sorted(hashes)))
        return {hashes[key]: Attempts(failures, last_at) for key, failures, last_at in found}

    async def failed(self, keys: Sequence[str], at: int, *, forget_before: int) -> dict[str, Attempts]:
        hashes = {_hash(key): key for key in keys}

        async def script(tx: Tx) -> dict[str, Attempts]:
            counted = {}
            for key in sorted(hashes):
                row = await tx.one("attempt_failed", key, at, forget_before)
                assert row is not None
                counted[hashes[key]] = Attempts(*row)
            # A day later than this caller forgets: others may remember for longer.
            await tx.run("attempts_forget", forget_before - 24 * HOUR)
            return counted

        return await self._engine.write(script, durable=False, changes=False)

    async def claim(
        self, keys: Sequence[str], at: int, free: Callable[[Mapping[str, Attempts]], bool], *, forget_before: int
    ) -> dict[str, Attempts] | None:
        hashes = {_hash(key): key for key in keys}

        async def script(tx: Tx) -> dict[str, Attempts] | None:
            before = {}
            for key in sorted(hashes):
                row = await tx.one("attempt_hold", key)
                assert row is not None
                if row[0]:
                    before[hashes[key]] = Attempts(*row)
            if not free(before):
                return None
            for key in sorted(hashes):
                await tx.one("attempt_failed", key, at, forget_before)
            await tx.run("attempts_forget", forget_before - 24 * HOUR)
            return before

        return await self._engine.write(script, durable=False, changes=False)

    async def take_back(self, key: str, at: int, before: Attempts | None) -> None:
        async def script(tx: Tx) -> None:
            await tx.run("attempt_take_back", _hash(key), at, before.last_at if before else 0)

        await self._engine.write(script, durable=False, changes=False)

    async def clear(self, keys: Sequence[str]) -> None:
        async def script(tx: Tx) -> None:
            await tx.run("attempts_clear", each(sorted({_hash(key) for key in keys})))

        if await self.get(keys):
            await self._engine.write(script, durable=False, changes=False)


def _hash(key: str) -> str:
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


class SqlSessions:
    """See ports.identity.Sessions."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def add(self, session: Session, by: By, *, epoch: int = 0) -> None:
        async def steps(tx: Tx, ledger: Ledger) -> None:
            account = await locked_account(tx, session.account)
            refuse_over(account, epoch)
            row = await tx.one(
                "session_insert",
                session.id,
                account.id,
                session.provider,
                session.provider_session,
                session.created_at,
                session.expires_at,
                session.address,
                session.agent,
            )
            if row is None:
                raise Conflict("there is a session of this id already; make another")
            ledger.event(EventKind.SESSION_STARTED, subject=session.account, detail=session_words(session.provider))

        await self._engine.write(recorded(by, steps), changes=False)

    async def get(self, id: str) -> tuple[Session, Account] | None:  # noqa: A002
        row = await self._reader.one("session_get", id)
        return (rows.session(row), rows.account(row[rows.SESSION :])) if row else None

    async def extend(self, id: str, expires_at: int) -> None:  # noqa: A002
        async def script(tx: Tx) -> None:
            await tx.run("session_extend", id, expires_at)

        await self._engine.write(script, durable=False, changes=False)

    async def of(self, account: str) -> tuple[Session, ...]:
        found = [rows.session(row) for row in await self._reader.all("sessions_of_account", account)]
        return tuple(sorted(found, key=lambda session: (-session.created_at, session.id)))

    async def end(
        self,
        *,
        id: str = "",  # noqa: A002
        account: str = "",
        provider: str = "",
        provider_session: str = "",
        by: By,
    ) -> int:
        wanted = {"id": id, "account": account, "provider": provider, "provider_session": provider_session}
        given = {name: value for name, value in wanted.items() if value}
        if not given:
            raise ValueError("say which sessions are to end")

        async def steps(tx: Tx, ledger: Ledger) -> int:
            found = await _candidates(tx, given)
            ended = await _end(
                tx, ledger, [each for each in found if all(getattr(each, name) == given[name] for name in given)]
            )
            if ended:
                ledger.access()
            return ended

        return await changing(self._engine, by, steps)

    async def end_logins(self, account: str, by: By) -> int:
        async def steps(tx: Tx, ledger: Ledger) -> int:
            found = await tx.one("account_lock", account)
            if found is None:
                return 0
            number = rows.account(found).id
            await tx.run("account_new_epoch", number, by.at)
            ended = await _end(tx, ledger, [rows.session(row) for row in await tx.all("sessions_of_account", account)])
            for row_id, kind, name in sorted(await tx.all("logins_delete", number)):
                gone = Secret(id=row_id, account=account, kind=kind, name=name, lookup="", hash="")
                ledger.event(EventKind.SECRET_REVOKED, subject=account, detail=secret_words(gone))
            ledger.access()
            return ended

        return await changing(self._engine, by, steps)

    async def forget(self, expired_before: int) -> None:
        async def script(tx: Tx) -> None:
            await tx.run("sessions_forget", expired_before)

        await self._engine.write(script, durable=False, changes=False)


async def _end(tx: Tx, ledger: Ledger, over: Sequence[Session]) -> int:
    """End these, as far as nobody else did meanwhile; how many."""
    ended = {row[0] for row in await tx.all("sessions_end", each([session.id for session in over]))}
    for session in sorted(over, key=lambda session: (session.account, session.id)):
        if session.id in ended:
            ledger.event(EventKind.SESSION_ENDED, subject=session.account, detail=session_words(session.provider))
    return len(ended)


async def _candidates(tx: Tx, given: dict[str, str]) -> list[Session]:
    """Sessions among which those that match are, found by what narrows most."""
    if "id" in given:
        found = await tx.all("session_get", given["id"])
    elif "account" in given:
        found = await tx.all("sessions_of_account", given["account"])
    elif "provider_session" in given:
        found = await tx.all("sessions_of_provider_session", given["provider_session"])
    else:
        found = await tx.all("sessions_of_provider", given["provider"])
    return [rows.session(row) for row in found]
