"""Who asks: from the Authorization header of a request to a subject, whatever it was proved with."""

import asyncio
from collections.abc import Sequence

import msgspec

from orlop.domain.access import ANONYMOUS, Caller, Subject
from orlop.domain.access.spellings import sign_in_name
from orlop.domain.errors import Unauthorized
from orlop.domain.identity.authorization import Basic, Bearer, Shown, parse_authorization
from orlop.domain.identity.secrets import looks_like_secret
from orlop.domain.identity.tokens import TOKEN_MAX, TokenInvalid
from orlop.ports.clock import SECOND, Clock
from orlop.ports.identity import LOCAL, Account, AccountFacts, Accounts
from orlop.ports.sign_on import TokenSource, Vouched
from orlop.services.access.decisions import refuse_unfit
from orlop.services.identity.certificates import CertificateSignIn
from orlop.services.identity.failures import OnFailure, ProofKind, failure
from orlop.services.identity.passwords import WRONG, PasswordSignIn
from orlop.services.identity.remembered import Proof, RememberedCredentials
from orlop.services.identity.secrets import SecretSignIn, refuse_before_change
from orlop.services.identity.signing import Signing
from orlop.services.identity.uses import UseLog
from orlop.services.scanning.tokens import PREFIX, ScanTokens

#: How long a password is believed without being checked again, and what else is asked of the catalog, at most.
_PASSWORD = 60 * SECOND
_SECRET = 3600 * SECOND

#: The user name under which a client sends a foreign token in place of a password.
FOREIGN = "oidc"


_NOBODY = Proof(ANONYMOUS, 0)


class SignIns(msgspec.Struct, frozen=True):
    """The ways to prove who one is. `tokens` are asked in their order about tokens that are not ours."""

    passwords: PasswordSignIn
    secrets: SecretSignIn
    signing: Signing
    tokens: Sequence[TokenSource] = ()
    scans: ScanTokens | None = None
    """What scanners pull with; None: there are none."""
    certificates: CertificateSignIn | None = None
    """Certificates of clients; None: they prove nothing."""


class Authentication:
    """`everyone`: nobody is asked who they are (`--open`)."""

    def __init__(
        self,
        ways: SignIns,
        accounts: Accounts,
        remembered: RememberedCredentials,
        uses: UseLog,
        clock: Clock,
        on_failure: OnFailure,
        *,
        everyone: bool,
    ) -> None:
        self._ways = ways
        self._accounts = accounts
        self._remembered = remembered
        self._uses = uses
        self._clock = clock
        self._on_failure = on_failure
        self._everyone = everyone
        self._looking: dict[tuple[bytes, str], asyncio.Task[Proof]] = {}

    async def caller(self, authorization: str, *, address: str, request: str) -> Caller:
        """The sender of this header; nobody without one.

        Whether their account may be used, and for what, is asked at each request (services.access.decisions). Raises
        Unauthorized, TooManyRequests, Unavailable.
        """
        if not authorization or self._everyone:
            return Caller(ANONYMOUS, address, request)
        key = self._remembered.key(authorization)
        subject = self._remembered.recall(key)
        if subject is None:
            subject = (await self._once(key, authorization, address, request)).subject
        self._uses.seen(subject, address)
        return Caller(subject, address, request)

    def believed(self, authorization: str) -> Proof | None:
        """What a header that was found good is believed to prove, while nobody's rights change; None: it is looked at
        each time."""
        return self._remembered.proof(self._remembered.key(authorization))

    async def proof(self, credentials: Basic | Shown, *, address: str, request: str) -> Proof:
        """The caller with this name and password, token or secret, or with this certificate, and until when that is
        proof. Raises as `caller`."""
        if self._everyone:
            return _NOBODY
        if isinstance(credentials, Shown):
            proof = await self._shown(credentials, address, request)
        else:
            proof = await self._basic(credentials, address, request)
        self._uses.seen(proof.subject, address)
        return proof

    async def refreshed(self, secret: str, *, address: str, request: str) -> Proof:
        """The caller with what a login keeps, or a token or secret that needs no other. Raises Unauthorized."""
        if self._everyone:
            return _NOBODY
        subject = await self._ways.secrets.subject(secret, refreshing=True, address=address, request=request)
        self._uses.seen(subject, address)
        return Proof(subject, self._clock.now() + _SECRET)

    async def caller_for_password_change(self, authorization: str, *, address: str, request: str) -> Caller:
        """The sender of a name and a password, if they have the right to another: also who has to change it first.

        Nothing but a password proves it, and it is checked each time. Raises as `caller`.
        """
        given = parse_authorization(authorization) if authorization else None
        if not isinstance(given, Basic) or looks_like_secret(given.secret):
            raise Unauthorized("to choose another password, sign in with the name and the password of now")
        account = await self._ways.passwords.account(given.name, given.secret, address=address, request=request)
        refuse_without_factor(account)
        if account.source != LOCAL:
            raise Unauthorized(f"the password of {account.name} is kept by {account.source}; change it there")
        self._uses.signed_in(account.id, address)
        return Caller(_by_password(account), address, request)

    async def _once(self, key: bytes, authorization: str, address: str, request: str) -> Proof:
        """Look at a credential once, however many requests come with it at the same time."""
        looking = self._looking.get((key, address))
        if looking is None:
            looking = asyncio.create_task(self._look(key, authorization, address, request))
            self._looking[key, address] = looking
            looking.add_done_callback(lambda done: self._looked((key, address), done))
        return await asyncio.shield(looking)

    def _looked(self, key: tuple[bytes, str], done: asyncio.Task[Proof]) -> None:
        del self._looking[key]
        if not done.cancelled():
            done.exception()  # it was raised for those who wait, if any still do

    async def _look(self, key: bytes, authorization: str, address: str, request: str) -> Proof:
        count = self._remembered.count()
        given = parse_authorization(authorization)
        if isinstance(given, Basic):
            proof = await self._basic(given, address, request)
        elif isinstance(given, Shown):
            proof = await self._shown(given, address, request)
        else:
            proof = await self._bearer(given, address, request)
        self._remembered.remember(key, proof, count)
        return proof

    async def _shown(self, given: Shown, address: str, request: str) -> Proof:
        if self._ways.certificates is None:
            raise Unauthorized("certificates of clients prove nothing here")
        proof = await self._ways.certificates.proof(given, address, request)
        self._uses.signed_in(proof.subject.id, address)
        return proof

    async def _bearer(self, given: Bearer, address: str, request: str) -> Proof:
        if given.token.startswith(PREFIX) and self._ways.scans is not None:
            scanning = await self._ways.scans.proof(given.token)
            if scanning is None:
                raise TokenInvalid("the scan that the token was for is over")
            return scanning
        if looks_like_secret(given.token):
            subject = await self._ways.secrets.subject(given.token, address=address, request=request)
            return Proof(subject, self._clock.now() + _SECRET)
        if len(given.token) > TOKEN_MAX:
            raise TokenInvalid(f"a token has at most {TOKEN_MAX} characters")
        claims = await self._ways.signing.verify(given.token)
        if claims is not None:
            return Proof(claims.subject, claims.exp * SECOND, ends=claims.exp * SECOND, lasting=True)
        proof = await self._foreign(given.token, address, request)
        if proof is None:
            raise TokenInvalid("the token is not one of this registry; fetch another")
        return proof

    async def _basic(self, given: Basic, address: str, request: str) -> Proof:
        if looks_like_secret(given.secret):
            subject = await self._ways.secrets.subject(given.secret, name=given.name, address=address, request=request)
            return Proof(subject, self._clock.now() + _SECRET)
        name = sign_in_name(given.name)
        if name == FOREIGN or _looks_like_token(given.secret):
            proof = await self._foreign(given.secret, address, request) if len(given.secret) <= TOKEN_MAX else None
            if proof is not None:
                return proof
            if name == FOREIGN:
                self._on_failure(failure(name, address, request, WRONG, ProofKind.FOREIGN))
                raise Unauthorized("nobody here vouches for this token; ask an administrator to trust its issuer")
        account = await self._ways.passwords.account(given.name, given.secret, address=address, request=request)
        refuse_before_change(account)
        refuse_without_factor(account)
        self._uses.signed_in(account.id, address)
        return Proof(_by_password(account), self._clock.now() + _PASSWORD)

    async def _foreign(self, token: str, address: str, request: str) -> Proof | None:
        """The robot that somebody else's token stands for."""
        try:
            vouched = await self._vouched(token)
            if vouched is None:
                return None
            account = await self._accounts.get(vouched.account)
            if account is None:
                raise Unauthorized(f"the robot {vouched.account} that the token stands for is gone")
            subject = Subject(account.name, account.kind, account.id, vouched.credential, epoch=account.epoch)
            refuse_unfit(AccountFacts(account, None, (), (), 0), subject, self._clock.now())
        except Unauthorized as refusal:
            self._on_failure(failure(FOREIGN, address, request, refusal.message, ProofKind.FOREIGN))
            raise
        return Proof(subject, vouched.expires_at, ends=vouched.expires_at)

    async def _vouched(self, token: str) -> Vouched | None:
        for source in self._ways.tokens:
            vouched = await source.verify(token)
            if vouched is not None:
                return vouched
        return None


def refuse_without_factor(account: Account) -> None:
    """Raises Unauthorized for an account for which a password alone is not enough."""
    if account.second_factors:
        raise Unauthorized(
            f"{account.name} has a second factor, so the password alone is not enough here; use a personal access token"
        )


def _by_password(account: Account) -> Subject:
    credential = "password" if account.source == LOCAL else f"password ({account.source})"
    return Subject(account.name, account.kind, account.id, credential, epoch=account.epoch)


def _looks_like_token(text: str) -> bool:
    """Whether it is three parts of Base64, the first of which begins with `{"`."""
    return text.startswith("eyJ") and text.count(".") == 2
