"""Proving who one is with a name and a password: kept here, or known to somebody else."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from orlop.domain.access import SYSTEM, Subject
from orlop.domain.access.spellings import is_called, sign_in_name
from orlop.domain.access.subjects import is_user_name
from orlop.domain.errors import RequestInvalid, TooManyRequests, Unauthorized, Unavailable
from orlop.domain.events import Origin
from orlop.domain.identity.passwords import PasswordRefused, prepared, refuse_unusable
from orlop.ports.catalog import By
from orlop.ports.clock import Clock
from orlop.ports.credentials import PasswordHasher
from orlop.ports.identity import LOCAL, Account, AccountFacts, PasswordRecord, Passwords
from orlop.ports.sign_on import PasswordSource
from orlop.services.access.decisions import refuse_unfit
from orlop.services.identity.failures import Gate, OnFailure, ProofKind, failure, no_gate
from orlop.services.identity.lockout import Lockout, network_of
from orlop.services.identity.provisioning import Provisioning

#: The one answer to whatever of name and password is wrong.
WRONG = "the name or the password is wrong"

#: Attempts of one address that a process lets wait for their turn.
_QUEUE = 32


class PasswordSignIn:
    """`sources` are asked in their order about names that have no password here."""

    def __init__(
        self,
        passwords: Passwords,
        hasher: PasswordHasher,
        sources: Sequence[PasswordSource],
        provisioning: Provisioning,
        lockout: Lockout,
        clock: Clock,
        on_failure: OnFailure,
        gate: Gate = no_gate,
    ) -> None:
        self._passwords = passwords
        self._hasher = hasher
        self._sources = sources
        self._provisioning = provisioning
        self._lockout = lockout
        self._clock = clock
        self._on_failure = on_failure
        self._gate = gate
        self._turns: dict[str, _Turn] = {}

    async def account(self, name: str, password: str, *, address: str, request: str) -> Account:
        """The account of whoever has this name and password. Names that others keep may be spelled in any way.

        Whether it has to change its password, or has a second factor to ask for, is for the caller to look at. Raises
        Unauthorized, with the same words and after the same work whether or not there is such an account;
        TooManyRequests for those who guess; Unavailable when nobody can be asked who might know.
        """
        typed, name = name, sign_in_name(name)
        try:
            refuse_unusable(password)
        except PasswordRefused as refusal:
            raise Unauthorized(refusal.message) from refusal
        self._gate(address, ProofKind.PASSWORD)
        async with self._turn(address):
            record = await self._passwords.get(name) if is_user_name(name) else None
            known = record is not None and _is_known(record.account, address)
            await self._lockout.refuse(name, address, known=known)
            account = await self._checked(typed, password, record, address, request)
            if account is None:
                await self._lockout.claim(name, address, known=known)
                self._on_failure(failure(name, address, request, WRONG))
                raise Unauthorized(WRONG)
            await self._lockout.succeeded(name, address, known=known)
        subject = Subject(account.name, epoch=account.epoch)
        refuse_unfit(AccountFacts(account, None, (), (), 0), subject, self._clock.now())
        return account

    async def confirm(self, account: Account, password: str, *, address: str, request: str) -> None:
        """Raises Unauthorized unless it is the password of the account, RequestInvalid where that is not kept here,
        TooManyRequests for those who guess."""
        if not account.has_password:
            raise RequestInvalid("the password of this account is not kept here; change it where you sign in")
        found = await self.account(account.name, password, address=address, request=request)
        if found.id != account.id:
            raise Unauthorized("that is the password of another account")

    async def _checked(
        self, typed: str, password: str, record: PasswordRecord | None, address: str, request: str
    ) -> Account | None:
        """One hash is computed whoever it is. A password that is wrong for an account here is shown to nobody else."""
        kept = record.hash if record else None
        right = await self._hasher.verify(kept, prepared(password))
        right = right and record is not None and is_called(record.account.name, typed, here=True)
        if record is not None and (right or kept is not None or record.account.source == LOCAL):
            return record.account if right else None
        return await self._vouched(sign_in_name(typed), password, address, request)

    async def _vouched(self, name: str, password: str, address: str, request: str) -> Account | None:
        """The account of somebody whom a source knows."""
        failed: Unavailable | None = None
        for source in self._sources:
            try:
                identity = await source.verify(name, password)
            except Unavailable as failure_of_source:
                failed = failure_of_source
                continue
            if identity is not None:
                by = By(SYSTEM.name, self._clock.now(), Origin(f"sign-in by {identity.source}", address, request))
                return await self._provisioning.account_of(identity, by)
        if failed is not None:
            raise failed
        return None

    @asynccontextmanager
    async def _turn(self, address: str) -> AsyncIterator[None]:
        """One attempt of an address after the other: what is sent at once must not be more than what is counted."""
        key = network_of(address)
        turn = self._turns.setdefault(key, _Turn())
        if turn.waiting >= _QUEUE:
            raise TooManyRequests("too many attempts to sign in at once; try again in a moment")
        turn.waiting += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.waiting -= 1
            if not turn.waiting:
                del self._turns[key]


def _is_known(account: Account, address: str) -> bool:
    """Whether the last sign-in was from there: a token that is used there, perhaps a stolen one, says nothing."""
    return bool(address and account.signed_in_from) and network_of(account.signed_in_from) == network_of(address)


class _Turn:
    """Who waits for one address."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.waiting = 0
