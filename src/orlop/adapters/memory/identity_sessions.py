"""Keys that sign tokens, failed attempts to sign in, and browsers that are signed in."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from orlop.adapters.memory.state import State
from orlop.domain.errors import Conflict
from orlop.domain.events import EventKind
from orlop.ports.catalog import By
from orlop.ports.identity import Account, Attempts, Session, SigningKey
from orlop.ports.identity_words import refuse_over, secret_words, session_words


class MemorySigningKeys:
    """See ports.identity.SigningKeys."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._rows = state.identity

    async def all(self) -> tuple[SigningKey, ...]:
        return tuple(sorted(self._rows.keys.values(), key=lambda key: (key.created_at, key.id)))

    async def add(self, key: SigningKey, by: By, *, unless_newer_than: int) -> tuple[SigningKey, ...]:
        if not any(known.active_at > unless_newer_than for known in self._rows.keys.values()):
            if key.id in self._rows.keys:
                raise Conflict(f"there is a key {key.id} already")
            self._rows.keys[key.id] = key
            self._state.event(EventKind.KEY_ADDED, by, subject=key.id, detail=key.algorithm)
            self._rows.moved()
        return await self.all()

    async def forget(self, expired_before: int, by: By) -> None:
        kept = {name: key for name, key in self._rows.keys.items() if key.expires_at >= expired_before}
        if len(kept) < len(self._rows.keys):
            self._rows.keys = kept
            self._rows.moved()


class MemoryFailedAttempts:
    """See ports.identity.FailedAttempts."""

    def __init__(self, state: State) -> None:
        self._rows = state.identity

    async def get(self, keys: Sequence[str]) -> dict[str, Attempts]:
        return {key: self._rows.attempts[key] for key in keys if key in self._rows.attempts}

    async def failed(self, keys: Sequence[str], at: int, *, forget_before: int) -> dict[str, Attempts]:
        known = self._rows.attempts
        for key in dict.fromkeys(keys):
            before = known.get(key)
            fresh = before is not None and before.last_at >= forget_before
            known[key] = Attempts(before.failures + 1 if before and fresh else 1, at)
        return await self.get(keys)

    async def claim(
        self, keys: Sequence[str], at: int, free: Callable[[Mapping[str, Attempts]], bool], *, forget_before: int
    ) -> dict[str, Attempts] | None:
        before = {key: self._rows.attempts[key] for key in keys if key in self._rows.attempts}
        if not free(before):
            return None
        await self.failed(keys, at, forget_before=forget_before)
        return before

    async def take_back(self, key: str, at: int, before: Attempts | None) -> None:
        known = self._rows.attempts.pop(key, None)
        if known is not None and known.failures > 1:
            last = before.last_at if before and known.last_at == at else known.last_at
            self._rows.attempts[key] = Attempts(known.failures - 1, last)

    async def clear(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._rows.attempts.pop(key, None)


class MemorySessions:
    """See ports.identity.Sessions."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._rows = state.identity

    async def add(self, session: Session, by: By, *, epoch: int = 0) -> None:
        refuse_over(self._rows.account(session.account).account, epoch)
        if session.id in self._rows.sessions:
            raise Conflict("there is a session of this id already; make another")
        self._rows.sessions[session.id] = session
        self._state.event(
            EventKind.SESSION_STARTED, by, subject=session.account, detail=session_words(session.provider)
        )

    async def get(self, id: str) -> tuple[Session, Account] | None:  # noqa: A002
        session = self._rows.sessions.get(id)
        return (session, self._rows.account(session.account).account) if session else None

    async def extend(self, id: str, expires_at: int) -> None:  # noqa: A002
        session = self._rows.sessions.get(id)
        if session is not None and session.expires_at < expires_at:
            self._rows.sessions[id] = msgspec.structs.replace(session, expires_at=expires_at)

    async def of(self, account: str) -> tuple[Session, ...]:
        found = [session for session in self._rows.sessions.values() if session.account == account]
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
        wanted = (id, account, provider, provider_session)
        if not any(wanted):
            raise ValueError("say which sessions are to end")
        over = [
            session
            for session in self._rows.sessions.values()
            if all(
                not want or want == have
                for want, have in zip(
                    wanted, (session.id, session.account, session.provider, session.provider_session), strict=True
                )
            )
        ]
        for session in sorted(over, key=lambda session: (session.account, session.id)):
            del self._rows.sessions[session.id]
            self._state.event(
                EventKind.SESSION_ENDED, by, subject=session.account, detail=session_words(session.provider)
            )
        if over:
            self._rows.moved()
        return len(over)

    async def end_logins(self, account: str, by: By) -> int:
        if account not in self._rows.accounts:
            return 0
        sessions, logins = self._rows.end_logins(account, by)
        for session in sorted(sessions, key=lambda session: session.id):
            self._state.event(EventKind.SESSION_ENDED, by, subject=account, detail=session_words(session.provider))
        for login in sorted(logins, key=lambda login: login.id):
            self._state.event(EventKind.SECRET_REVOKED, by, subject=account, detail=secret_words(login))
        self._rows.moved()
        return len(sessions)

    async def forget(self, expired_before: int) -> None:
        self._rows.sessions = {
            key: session for key, session in self._rows.sessions.items() if session.expires_at >= expired_before
        }
