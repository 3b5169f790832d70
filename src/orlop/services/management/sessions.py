"""Browsers that are signed in, and the keys that sign tokens: seen and ended, seen and changed."""

from orlop.domain.access import Caller
from orlop.domain.errors import NotFound
from orlop.ports.catalog import by
from orlop.ports.identity import Session, Sessions, SigningKey, SigningKeys
from orlop.services.identity.signing import Signing
from orlop.services.management.operations import Gate, Operation


class SessionsOfAccounts:
    """See ports.identity.Sessions: one's own, and everybody's for those who rule the registry."""

    def __init__(self, gate: Gate, sessions: Sessions) -> None:
        self._gate = gate
        self._sessions = sessions

    async def of(self, caller: Caller, account: str) -> tuple[Session, ...]:
        """Those of an account that are not over, newest first."""
        await self._check(caller, Operation.SESSION_READ, account)
        now = self._gate.now()
        return tuple(session for session in await self._sessions.of(account) if session.expires_at > now)

    async def end(self, caller: Caller, account: str, id: str) -> None:  # noqa: A002
        """One of them. Raises NotFound."""
        await self._check(caller, Operation.SESSION_END, account)
        if not id or not await self._sessions.end(id=id, account=account, by=by(caller, self._gate.now())):
            raise NotFound(f"{account} has no such session")

    async def end_all(self, caller: Caller, account: str) -> int:
        """All of them, and everything else that the account is signed in with by password; how many browsers."""
        await self._check(caller, Operation.SESSION_END, account)
        return await self._sessions.end_logins(account, by(caller, self._gate.now()))

    async def _check(self, caller: Caller, operation: Operation, account: str) -> None:
        await self._gate.check(caller, operation, own=account == caller.subject.name)


class Keys:
    """See ports.identity.SigningKeys; without their private parts."""

    def __init__(self, gate: Gate, keys: SigningKeys, signing: Signing) -> None:
        self._gate = gate
        self._keys = keys
        self._signing = signing

    async def all(self, caller: Caller) -> tuple[SigningKey, ...]:
        """Those that are kept, oldest first; the private part left out."""
        await self._gate.check(caller, Operation.KEY_READ)
        return tuple(
            SigningKey(key.id, key.algorithm, b"", key.created_at, key.active_at, key.expires_at)
            for key in await self._keys.all()
        )

    async def rotate(self, caller: Caller) -> None:
        """Make a new one that signs from now on; tokens that the others signed hold until they expire."""
        await self._gate.check(caller, Operation.KEY_ROTATE)
        await self._signing.replace(by(caller, self._gate.now()))
