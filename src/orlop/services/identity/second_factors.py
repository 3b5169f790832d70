"""Codes of an authenticator (TOTP, RFC 6238) and recovery codes. Each counts once."""

import hmac

import msgspec
import pyotp

from orlop.domain.access import Caller
from orlop.domain.errors import Conflict, RequestInvalid, Unauthorized
from orlop.domain.identity.factors import (
    DRIFT,
    PERIOD,
    Factors,
    new_recovery_codes,
    new_totp_secret,
    read_factors,
    recovery_hash,
    totp_code,
)
from orlop.domain.identity.secrets import Draw
from orlop.ports.browser import Step, Steps
from orlop.ports.catalog import by
from orlop.ports.clock import SECOND, Clock
from orlop.ports.identity import Account, Passwords
from orlop.services.identity.failures import Gate, OnFailure, ProofKind, failure, no_gate
from orlop.services.identity.lockout import Lockout
from orlop.services.identity.sessions import Visitor, hashed

#: What authenticators show above the code.
_ISSUER = "Orlop"

#: The one answer to whatever is wrong with a code.
WRONG = "the code is wrong, or was used already; wait for the next one"

#: How long it is remembered that a code was used: longer than it could be good for.
_REMEMBERED = 10 * PERIOD * SECOND

_USED = "used-code"


class SecondFactors:
    """Sets up, asks for and removes second factors."""

    def __init__(
        self,
        passwords: Passwords,
        steps: Steps,
        lockout: Lockout,
        clock: Clock,
        draw: Draw,
        on_failure: OnFailure,
        gate: Gate = no_gate,
    ) -> None:
        self._passwords = passwords
        self._steps = steps
        self._lockout = lockout
        self._clock = clock
        self._draw = draw
        self._on_failure = on_failure
        self._gate = gate

    async def of(self, account: str) -> Factors:
        """What an account has."""
        record = await self._passwords.get(account)
        return read_factors(record.factors) if record else Factors()

    async def verify(self, account: Account, text: str, caller: Caller) -> None:
        """Raises Unauthorized unless it is a code of the account's that was not used yet; a recovery code is used up.

        Raises TooManyRequests for those who guess: a million codes are few, so each is counted before it is looked at.
        """
        self._gate(caller.address, ProofKind.CODE)
        claim = await self._lockout.claim(str(account.id), caller.address, known=False)
        factors = await self.of(account.name)
        if not (await self._is_totp(account, factors, text) or await self._is_recovery(account, factors, text, caller)):
            self._on_failure(failure(account.name, caller.address, caller.request, WRONG, ProofKind.CODE))
            raise Unauthorized(WRONG)
        await self._lockout.passed(claim)

    def propose(self) -> str:
        """A new shared secret, to be confirmed with a code of it."""
        return new_totp_secret(self._draw)

    def address(self, account: str, secret: str) -> str:
        """The address that authenticators read from a picture."""
        return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=_ISSUER)

    async def enrol(self, visitor: Visitor, secret: str, text: str) -> tuple[str, ...]:
        """Set a shared secret up, of which that is a code; returns recovery codes, which are shown once.

        With a first second factor everything ends that the password alone was good for, but the visitor's session.
        Raises RequestInvalid when it is none.
        """
        account = visitor.account
        code = totp_code(text)
        counter = self._counter(secret, code) if code else None
        if counter is None or not await self._first(f"totp {account.id} {counter}"):
            raise RequestInvalid(
                "that is not the code that the authenticator shows now; look at its clock, and try again"
            )
        factors = await self.of(account.name)
        codes = new_recovery_codes(self._draw)
        await self._keep(
            msgspec.structs.replace(factors, totp=secret, recovery=_hashes(codes)),
            account,
            visitor.caller,
            visitor.session.id,
        )
        return codes

    async def renew_recovery(self, account: Account, caller: Caller) -> tuple[str, ...]:
        """New recovery codes in the place of the old. Raises RequestInvalid without a second factor to recover from."""
        factors = await self.of(account.name)
        if not factors.kinds:
            raise RequestInvalid("recovery codes stand in for a second factor; set one up first")
        codes = new_recovery_codes(self._draw)
        await self._keep(msgspec.structs.replace(factors, recovery=_hashes(codes)), account, caller)
        return codes

    async def remove_totp(self, account: Account, caller: Caller) -> None:
        """Without an authenticator; with the last second factor the recovery codes go, too."""
        factors = await self.of(account.name)
        left = msgspec.structs.replace(factors, totp="")
        if not left.kinds:
            left = Factors()
        await self._keep(left, account, caller)

    async def _is_totp(self, account: Account, factors: Factors, text: str) -> bool:
        code = totp_code(text)
        counter = self._counter(factors.totp, code) if factors.totp and code else None
        return counter is not None and await self._first(f"totp {account.id} {counter}")

    async def _is_recovery(self, account: Account, factors: Factors, text: str, caller: Caller) -> bool:
        hash_ = recovery_hash(text)
        if hash_ is None or hash_ not in factors.recovery or not await self._first(f"recovery {account.id} {hash_}"):
            return False
        left = tuple(each for each in factors.recovery if each != hash_)
        await self._keep(msgspec.structs.replace(factors, recovery=left), account, caller)
        return True

    def _counter(self, secret: str, code: str) -> int | None:
        """The time step that a code is of, among those that it may be of."""
        now = self._clock.now() // SECOND // PERIOD
        totp = pyotp.TOTP(secret)
        found = None
        for step in DRIFT:
            if now + step >= 0 and hmac.compare_digest(totp.generate_otp(now + step), code):
                found = now + step
        return found

    async def _first(self, what: str) -> bool:
        """Whether nobody else used it, and nobody else will: "MUST NOT accept the second attempt" (section 5.2)."""
        now = self._clock.now()
        try:
            await self._steps.begin(Step(id=hashed(what), kind=_USED, expires_at=now + _REMEMBERED), now=now)
        except Conflict:
            return False
        return True

    async def _keep(self, factors: Factors, account: Account, caller: Caller, session: str = "") -> None:
        kept = msgspec.json.encode(factors) if factors != Factors() else b""
        done = by(caller, self._clock.now())
        await self._passwords.set_factors(account.name, kept, factors.kinds, done, session=session)


def _hashes(codes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(recovery_hash(code) or "" for code in codes)
