"""Keys that sign what the registry attests, as rows."""

from orlop.adapters.sql.engine import Engine, Session
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.domain.errors import Conflict, Stale
from orlop.domain.events import EventKind
from orlop.ports.attesting import KEYS_MAX, AttestationKey
from orlop.ports.by import By


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


def _stale() -> Stale:
    return Stale("somebody else changed meanwhile which key signs; look and try again")
