"""Keys that sign what the registry attests: shown to all, made and retired by those who rule the registry."""

import msgspec

from orlop.domain.access import Caller
from orlop.domain.errors import Conflict
from orlop.ports.attesting import AttestationKey, AttestationKeys, StatementBacklog, Statements, StatementSigner
from orlop.ports.catalog import by
from orlop.services.management.operations import Gate, Operation


class SigningStatus(msgspec.Struct, frozen=True):
    """`key` None: nothing is signed."""

    key: AttestationKey | None
    backlog: StatementBacklog


class AttestationKeyDesk:
    """See ports.attesting."""

    def __init__(self, gate: Gate, keys: AttestationKeys, statements: Statements, signer: StatementSigner) -> None:
        self._gate = gate
        self._keys = keys
        self._statements = statements
        self._signer = signer

    async def all(self, caller: Caller) -> tuple[AttestationKey, ...]:
        """Those that sign or signed, newest first, without private parts."""
        await self._gate.check(caller, Operation.SIGNING_READ, own=True)
        return await self._keys.public()

    async def status(self, caller: Caller) -> SigningStatus:
        """Which key signs, and what waits for it."""
        await self._gate.check(caller, Operation.SIGNING_STATUS)
        return SigningStatus(await self._signing(), await self._statements.backlog())

    async def begin(self, caller: Caller) -> AttestationKey:
        """Have a key sign: a new one, where none does. Raises Stale where somebody else made one now, Unavailable."""
        await self._gate.check(caller, Operation.SIGNING_CHANGE)
        return await self._signing() or await self._replace("", caller)

    async def rotate(self, caller: Caller) -> AttestationKey:
        """Have a new key sign from now on; what the one before signed holds. Raises Conflict when none signs, or the
        command's public key is still the same, Unavailable."""
        await self._gate.check(caller, Operation.SIGNING_CHANGE)
        current = await self._signing()
        if current is None:
            raise Conflict("no key signs; orlop signing init makes one")
        return await self._replace(current.id, caller)

    async def end(self, caller: Caller) -> None:
        """Have no key sign any more; what was signed holds. Raises Conflict when none does."""
        await self._gate.check(caller, Operation.SIGNING_CHANGE)
        current = await self._signing()
        if current is None:
            raise Conflict("no key signs")
        await self._keys.replace(current.id, None, by(caller, self._gate.now()))

    async def _signing(self) -> AttestationKey | None:
        """The one that signs, without its private part."""
        return next((key for key in await self._keys.public() if not key.retired_at), None)

    async def _replace(self, current: str, caller: Caller) -> AttestationKey:
        key = await self._signer.generate(self._gate.now())
        await self._keys.replace(current, key, by(caller, self._gate.now()))
        return AttestationKey(key.id, key.public, b"", key.created_at)
