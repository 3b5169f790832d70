"""Passkeys (Web Authentication, Level 3): a device signs for a person whom it recognised, for this site alone.

The library is imported when it is first needed: a worker is ready sooner, and smaller, where nobody has a passkey.
"""

import binascii

import msgspec

from orlop.domain.access import Caller
from orlop.domain.errors import Conflict, RequestInvalid, Unauthorized
from orlop.domain.identity.factors import PASSKEYS_MAX, Factors, Passkey, read_factors
from orlop.domain.identity.secrets import Draw
from orlop.ports.catalog import by
from orlop.ports.clock import Clock
from orlop.ports.identity import AccessFacts, Account, Passwords
from orlop.services.identity.failures import Gate, OnFailure, ProofKind, failure, no_gate
from orlop.services.identity.sessions import Visitor

_CHALLENGE_BYTES = 32
_RESPONSE_MAX = 64 << 10
_NAME_MAX = 64


class Site(msgspec.Struct, frozen=True):
    """Where the pages are: the origin that browsers vouch for, and the name that passkeys are bound to."""

    origin: str
    host: str


class Passkeys:
    """Registers, asks for and removes passkeys. People are found by the number of their account, never by a name."""

    def __init__(
        self,
        passwords: Passwords,
        facts: AccessFacts,
        clock: Clock,
        draw: Draw,
        on_failure: OnFailure,
        gate: Gate = no_gate,
    ) -> None:
        self._passwords = passwords
        self._facts = facts
        self._clock = clock
        self._draw = draw
        self._on_failure = on_failure
        self._gate = gate

    def challenge(self) -> bytes:
        """What a device is to sign: random, for one time."""
        return self._draw(_CHALLENGE_BYTES)

    async def registration(self, account: Account, challenge: bytes, site: Site) -> str:
        """What to ask the browser for, to make one (JSON)."""
        from webauthn import generate_registration_options, options_to_json
        from webauthn.helpers.structs import (
            AuthenticatorSelectionCriteria,
            PublicKeyCredentialDescriptor,
            ResidentKeyRequirement,
            UserVerificationRequirement,
        )

        factors = await self._factors(account)
        options = generate_registration_options(
            rp_id=site.host,
            rp_name="Orlop",
            user_id=str(account.id).encode(),
            user_name=account.name,
            user_display_name=account.display or account.name,
            challenge=challenge,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=_bytes(each.id)) for each in factors.passkeys],
        )
        return options_to_json(options)

    async def register(self, visitor: Visitor, response: str, challenge: bytes, name: str, site: Site) -> None:
        """Keep the passkey that the browser made. Raises RequestInvalid for what is none, Conflict for one too many.

        With a first second factor everything ends that the password alone was good for, but the visitor's session.
        """
        from webauthn import verify_registration_response
        from webauthn.helpers import bytes_to_base64url

        try:
            _refuse_long(response)
            made = verify_registration_response(
                credential=response,
                expected_challenge=challenge,
                expected_rp_id=site.host,
                expected_origin=site.origin,
                require_user_verification=True,
            )
        except Exception as cause:
            raise RequestInvalid("the browser made no passkey that can be used here; try again") from cause
        account = visitor.account
        factors = await self._factors(account)
        key = Passkey(
            id=bytes_to_base64url(made.credential_id),
            key=bytes_to_base64url(made.credential_public_key),
            name="".join(c for c in name[:_NAME_MAX] if c.isprintable()).strip() or "passkey",
            count=made.sign_count,
            created_at=self._clock.now(),
        )
        if len(factors.passkeys) >= PASSKEYS_MAX or any(each.id == key.id for each in factors.passkeys):
            raise Conflict(f"the passkey is known already, or there are {PASSKEYS_MAX}; remove one first")
        more = msgspec.structs.replace(factors, passkeys=(*factors.passkeys, key))
        await self._keep(account, more, visitor.caller, visitor.session.id)

    def authentication(self, challenge: bytes, site: Site) -> str:
        """What to ask the browser for, to sign somebody in (JSON). It names no key: that would tell who has any."""
        from webauthn import generate_authentication_options, options_to_json
        from webauthn.helpers.structs import UserVerificationRequirement

        options = generate_authentication_options(
            rp_id=site.host, challenge=challenge, user_verification=UserVerificationRequirement.REQUIRED
        )
        return options_to_json(options)

    async def authenticate(self, response: str, challenge: bytes, site: Site, caller: Caller) -> Account:
        """The account that signed. Raises Unauthorized; TooManyRequests for an address where too many did not."""
        self._gate(caller.address, ProofKind.PASSKEY)
        try:
            return await self._authenticated(response, challenge, site, caller)
        except Unauthorized as refusal:
            self._on_failure(failure("", caller.address, caller.request, refusal.message, ProofKind.PASSKEY))
            raise

    async def _authenticated(self, response: str, challenge: bytes, site: Site, caller: Caller) -> Account:
        from webauthn import verify_authentication_response

        refused = Unauthorized("the passkey is not known here, or did not sign right; try again, or sign in otherwise")
        try:
            _refuse_long(response)
            said = msgspec.json.decode(response, type=_Assertion)
            number = _number(_bytes(said.response.userHandle))
        except (msgspec.MsgspecError, ValueError, RecursionError) as cause:
            raise refused from cause
        facts = await self._facts.of(number)
        factors = await self._factors(facts.account) if facts else Factors()
        key = next((each for each in factors.passkeys if each.id == said.id), None)
        if facts is None or key is None:
            raise refused
        account = facts.account
        try:
            proved = verify_authentication_response(
                credential=response,
                expected_challenge=challenge,
                expected_rp_id=site.host,
                expected_origin=site.origin,
                credential_public_key=_bytes(key.key),
                credential_current_sign_count=key.count,
                require_user_verification=True,
            )
        except Exception as cause:
            raise refused from cause
        if proved.new_sign_count != key.count:
            counted = msgspec.structs.replace(key, count=proved.new_sign_count)
            kept = tuple(counted if each.id == key.id else each for each in factors.passkeys)
            await self._keep(account, msgspec.structs.replace(factors, passkeys=kept), caller)
        return account

    async def remove(self, account: Account, key: str, caller: Caller) -> None:
        """Remove one of an account's own; fine when it is gone. With the last second factor recovery codes go, too."""
        factors = await self._factors(account)
        left = msgspec.structs.replace(factors, passkeys=tuple(each for each in factors.passkeys if each.id != key))
        await self._keep(account, left if left.kinds else Factors(), caller)

    async def _factors(self, account: Account) -> Factors:
        record = await self._passwords.get(account.name)
        return read_factors(record.factors) if record else Factors()

    async def _keep(self, account: Account, factors: Factors, caller: Caller, session: str = "") -> None:
        kept = msgspec.json.encode(factors) if factors != Factors() else b""
        done = by(caller, self._clock.now())
        await self._passwords.set_factors(account.name, kept, factors.kinds, done, session=session)


class _Response(msgspec.Struct):
    userHandle: str  # noqa: N815 - the name that browsers give it


class _Assertion(msgspec.Struct):
    id: str
    response: _Response


def _bytes(text: str) -> bytes:
    """Base64url without padding. Raises ValueError."""
    return binascii.a2b_base64(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), strict_mode=True)


def _number(handle: bytes) -> int:
    """The number of an account, as its passkeys have it. Raises ValueError."""
    text = handle.decode("ascii")
    if not text.isdigit() or len(text) > 18:
        raise ValueError("no number of an account")
    return int(text)


def _refuse_long(response: str) -> None:
    if len(response) > _RESPONSE_MAX:
        raise ValueError("too long")
