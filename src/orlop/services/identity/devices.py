"""Signing the command line in by a browser (RFC 8628): a program shows a code, somebody who is signed in confirms it,
and the program gets a personal access token of theirs.

Of the codes only hashes are kept. Each of them is good once: of any number who confirm a code one does, and of any
number who fetch its token one gets it.
"""

import msgspec

from orlop.domain.access import Caller, Limit, Subject
from orlop.domain.errors import Conflict, NotFound, Unauthorized
from orlop.domain.identity.devices import (
    DeviceExpired,
    DevicePending,
    DeviceRefused,
    DeviceTooFast,
    new_user_code,
    read_user_code,
    shown_user_code,
)
from orlop.domain.identity.secrets import Draw
from orlop.domain.identity.secrets import new_secret as new_token
from orlop.ports.browser import Step, Steps
from orlop.ports.catalog import by
from orlop.ports.clock import SECOND, Clock
from orlop.ports.identity import AccountFacts, Accounts, Secrets
from orlop.services.access.decisions import refuse_unfit
from orlop.services.identity.failures import Gate, OnFailure, ProofKind, failure, no_gate
from orlop.services.identity.lockout import Lockout
from orlop.services.identity.sessions import Visitor, hashed, new_secret
from orlop.services.management.operations import Gate as Operations
from orlop.services.management.operations import Operation
from orlop.services.management.secrets import Issued, kept_secret
from orlop.services.management.tokens import TOKEN, TOKENS_MAX

#: How long somebody may take, and how often a program may ask, in seconds.
LIFETIME, INTERVAL = 600, 5

#: How many codes of an address are under way at once.
_AT_MOST = 1000

_ASKED, _CODE, _DECIDED, _POLLED = "device", "device-code", "device-decided", "device-polled"
_CLIENT_MAX = 100

_WRONG = "there is no such code, or it is over; look at the screen of the program that showed it"


class DeviceCodes(msgspec.Struct, frozen=True):
    """What a program is given: one code to fetch its token with, the other to show."""

    device: str
    user: str

    def __repr__(self) -> str:
        return f"DeviceCodes(…, {self.user!r})"


class DeviceAsked(msgspec.Struct, frozen=True):
    """Who asks to be signed in, as somebody sees it who is to confirm that."""

    id: str
    """A hash of the device code."""
    client: str
    """What the program calls itself: anything at all, on one line."""
    address: str
    asked_at: int
    code: str = ""
    """The user code as it is shown; never kept."""


class DeviceTerms(msgspec.Struct, frozen=True):
    """What is confirmed: for how long and for what the token is good. `limits` None: for everything."""

    limits: tuple[Limit, ...] | None
    expires_at: int


class _Decided(msgspec.Struct, frozen=True):
    account: str
    """Empty: somebody refused."""
    id: int = 0
    epoch: int = 0
    address: str = ""
    terms: DeviceTerms | None = None


class DeviceSignIn:
    """Programs begin and wait; visitors look and decide. Guesses at codes are counted, by account and by address."""

    def __init__(
        self,
        steps: Steps,
        accounts: Accounts,
        secrets: Secrets,
        operations: Operations,
        lockout: Lockout,
        clock: Clock,
        draw: Draw,
        on_failure: OnFailure,
        gate: Gate = no_gate,
    ) -> None:
        self._steps = steps
        self._accounts = accounts
        self._secrets = secrets
        self._operations = operations
        self._lockout = lockout
        self._clock = clock
        self._draw = draw
        self._on_failure = on_failure
        self._gate = gate

    # --- Programs ----------------------------------------------------------------------------------------------------

    async def begin(self, caller: Caller, client: str) -> DeviceCodes:
        """New codes. Raises TooManyRequests where an address has too many under way."""
        codes = DeviceCodes(new_secret(self._draw), new_user_code(self._draw))
        now = self._clock.now()
        name = "".join(letter for letter in client[: 4 * _CLIENT_MAX] if letter.isprintable())[:_CLIENT_MAX]
        asked = DeviceAsked(hashed(codes.device), name, caller.address, now)
        for kind, id in ((_ASKED, asked.id), (_CODE, _code_id(codes.user))):  # noqa: A001
            step = Step(
                id=id,
                kind=kind,
                body=msgspec.json.encode(asked),
                address=caller.address,
                expires_at=now + LIFETIME * SECOND,
            )
            await self._steps.begin(step, now=now, at_most=_AT_MOST)
        return codes

    async def redeem(self, caller: Caller, device: str) -> tuple[str, Issued]:
        """The account that confirmed, and its new token, once. Raises DevicePending, DeviceTooFast, DeviceExpired,
        DeviceRefused; Unauthorized where the account may not sign in any more; Conflict where it has too many."""
        id, now = hashed(device), self._clock.now()  # noqa: A001
        if await self._steps.get(id, _ASKED, now) is None:
            raise DeviceExpired("the code is over, or was used; begin again")
        await self._refuse_hurry(id, now)
        found = await self._steps.get(_decided_id(id), _DECIDED, now)
        if found is None:
            raise DevicePending("nobody has confirmed the code yet")
        if await self._steps.take(id, _ASKED, now) is None:
            raise DeviceExpired("the code is over, or was used; begin again")
        decided = msgspec.json.decode(found.body, type=_Decided)
        if decided.terms is None:
            raise DeviceRefused("whoever looked at the code refused it")
        return decided.account, await self._issue(caller, decided, decided.terms, now)

    async def _refuse_hurry(self, id: str, now: int) -> None:  # noqa: A002
        slot = now // (INTERVAL * SECOND)
        mark = Step(id=hashed(f"device-poll {id} {slot}"), kind=_POLLED, expires_at=now + 2 * INTERVAL * SECOND)
        try:
            await self._steps.begin(mark, now=now)
        except Conflict:
            raise DeviceTooFast(f"ask every {INTERVAL} seconds, and not more often") from None

    async def _issue(self, caller: Caller, decided: _Decided, terms: DeviceTerms, now: int) -> Issued:
        account = await self._accounts.get(decided.account)
        if account is None or account.id != decided.id:
            raise Unauthorized(f"the account {decided.account} is gone")
        where = f"device code, confirmed from {decided.address or 'an unknown address'}"
        subject = Subject(account.name, account.kind, account.id, where, epoch=decided.epoch)
        refuse_unfit(AccountFacts(account, None, (), (), 0), subject, now)
        text = new_token(TOKEN, self._draw)
        label = f"command line at {caller.address}" if caller.address else "command line"
        secret = kept_secret(account.name, text, label, terms.limits, terms.expires_at, now)
        done = by(msgspec.structs.replace(caller, subject=subject), now)
        kept = await self._secrets.add(secret, done, at_most=TOKENS_MAX, epoch=decided.epoch)
        return Issued(kept, text)

    # --- Visitors ----------------------------------------------------------------------------------------------------

    async def look(self, visitor: Visitor, typed: str) -> DeviceAsked:
        """Who waits behind a code. Raises NotFound; TooManyRequests for those who guess."""
        caller, account = visitor.caller, visitor.account
        self._gate(caller.address, ProofKind.DEVICE)
        claim = await self._lockout.claim(str(account.id), caller.address, known=False)
        step = await self._steps.get(_code_id(read_user_code(typed)), _CODE, self._clock.now())
        if step is None:
            self._on_failure(failure(account.name, caller.address, caller.request, _WRONG, ProofKind.DEVICE))
            raise NotFound(_WRONG)
        await self._lockout.take_back(claim)  # anybody can begin a code of their own, and look at it between guesses
        asked = msgspec.json.decode(step.body, type=DeviceAsked)
        return msgspec.structs.replace(asked, code=shown_user_code(read_user_code(typed)))

    async def decide(self, visitor: Visitor, typed: str, terms: DeviceTerms | None) -> DeviceAsked:
        """Say yes with these terms, or no. Raises NotFound as `look`; Denied for who may make no tokens; RequestInvalid
        for terms that make no sense."""
        caller, account = visitor.caller, visitor.account
        asked = await self.look(visitor, typed)
        now = self._clock.now()
        decided = _Decided("")
        if terms is not None:
            await self._operations.check(caller, Operation.TOKEN_ISSUE, own=True)
            kept_secret(account.name, new_token(TOKEN, self._draw), "", terms.limits, terms.expires_at, now)
            decided = _Decided(account.name, account.id, account.epoch, caller.address, terms)
        if await self._steps.take(_code_id(read_user_code(typed)), _CODE, now) is None:
            raise NotFound(_WRONG)
        step = Step(
            id=_decided_id(asked.id),
            kind=_DECIDED,
            body=msgspec.json.encode(decided),
            expires_at=asked.asked_at + 2 * LIFETIME * SECOND,
        )
        await self._steps.begin(step, now=now)
        return asked


def _code_id(code: str) -> str:
    return hashed(f"device-code {code}")


def _decided_id(id: str) -> str:  # noqa: A002
    return hashed(f"device-decided {id}")
