"""Keys that sign what the registry attests, and what waits to be signed, as rows."""

from collections.abc import Sequence

import msgspec

from orlop.adapters.sql.engine import Engine, Session
from orlop.adapters.sql.following import moved
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.domain.digest import Digest
from orlop.domain.errors import Conflict, Stale
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName
from orlop.ports.attesting import KEYS_MAX, AttestationKey, StatementBacklog, WaitingStatement, WantedStatement
from orlop.ports.by import By
from orlop.ports.following import Follower
from orlop.ports.jobs import Lease


class SqlAttestationKeys:
    """See ports.attesting.AttestationKeys."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def public(self) -> tuple[AttestationKey, ...]:
        rows = await self._engine.reader.all("attestation_keys_public", KEYS_MAX)
        return tuple(AttestationKey(name, public, b"", made, retired) for name, public, made, retired in rows)

    async def current(self) -> AttestationKey | None:
        row = await self._engine.reader.one("attestation_key_current")
        return None if row is None else AttestationKey(*row)

    async def replace(self, current: str, key: AttestationKey | None, by: By) -> None:
        async def steps(tx: Session, ledger: Ledger) -> None:
            row = await tx.one("attestation_key_lock")
            if (row[0] if row else "") != current:
                raise _stale()
            if current:
                await tx.run("attestation_key_retire", current, by.at, b"")
                ledger.event(EventKind.SIGNING_KEY_RETIRED, subject=current)
            if key is None:
                return
            if await tx.one("attestation_key_add", key.id, key.public, key.private, key.created_at) is None:
                if await tx.one("attestation_key_lock") is not None:  # of two who each made the first one
                    raise _stale()
                raise Conflict(f"the key {key.id} signed before and was retired; take another", {"key": key.id})
            ledger.event(EventKind.SIGNING_KEY_ADDED, subject=key.id)

        await self._engine.write(recorded(by, steps), changes=False)


class SqlStatements:
    """See ports.attesting.Statements."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def wait(
        self, wanted: Sequence[WantedStatement], now: int, follower: Follower, before: int, after: int, lease: Lease
    ) -> None:
        rows = [(one.repository, str(one.digest), one.predicate_type, one.predicate, b"", now) for one in wanted]

        async def script(tx: Session) -> None:
            await moved(tx, follower, before, after, lease)
            await tx.many("attestation_wait", rows)

        await self._engine.write(script, durable=bool(wanted), changes=False)

    async def due(self, now: int, limit: int) -> tuple[WaitingStatement, ...]:
        rows = await self._engine.reader.all("attestations_due", now, limit)
        return tuple(
            WaitingStatement(
                row,
                WantedStatement(RepositoryName.stored(name), Digest.stored(digest), kind, predicate),
                key,
                signature,
                tries,
            )
            for row, name, digest, kind, predicate, key, signature, tries in rows
        )

    async def sign(self, statement: WaitingStatement, key: str, signature: bytes) -> WaitingStatement | None:
        async def script(tx: Session) -> WaitingStatement | None:
            signing = await tx.one("attestation_key_lock")
            if signing is not None and signing[0] == key:
                await tx.run("attestation_sign", statement.id, key, signature)
            row = await tx.one("attestation_signed", statement.id)
            return None if row is None else msgspec.structs.replace(statement, key=row[0], signature=row[1])

        return await self._engine.write(script, changes=False)

    async def later(self, statement: WaitingStatement, due_at: int, error: str, *, refused: bool) -> None:
        async def script(tx: Session) -> None:
            await tx.run("attestation_later", statement.id, due_at, error, int(refused))

        await self._engine.write(script, durable=False, changes=False)

    async def attached(self, statement: WaitingStatement, by: By) -> bool:
        return await self._over(statement, EventKind.IMAGE_ATTESTED, f"signed with {statement.key}", by)

    async def give_up(self, statement: WaitingStatement, why: str, by: By) -> bool:
        return await self._over(statement, EventKind.ATTESTATION_FAILED, why, by)

    async def backlog(self) -> StatementBacklog:
        row = await self._engine.reader.one("attestation_oldest")
        if row is None:
            return StatementBacklog()
        counted = await self._engine.reader.one("attestations_backlog")
        return StatementBacklog(counted[0] if counted else 0, row[0], row[1])

    async def _over(self, statement: WaitingStatement, kind: EventKind, detail: str, by: By) -> bool:
        wanted = statement.wanted

        async def steps(tx: Session, ledger: Ledger) -> bool:
            if await tx.one("attestation_done", statement.id) is None:
                return False
            ledger.event(kind, wanted.repository, str(wanted.digest), subject=wanted.predicate_type, detail=detail)
            return True

        return await self._engine.write(recorded(by, steps), changes=False)


def _stale() -> Stale:
    return Stale("somebody else changed meanwhile which key signs; look and try again")
