"""Builds what asks who somebody is, on an open catalog, and the token server."""

import secrets
from collections.abc import Callable, Sequence

import msgspec

from orlop.adapters.identity.passwords import Argon2Hasher
from orlop.adapters.identity.tokens import JoseSigner
from orlop.bootstrap.clocks import SystemClock
from orlop.config import Settings
from orlop.config.auth import networks
from orlop.domain.access import Caller
from orlop.domain.identity.secrets import Draw
from orlop.domain.identity.tokens import Terms
from orlop.domain.limits import Allowance
from orlop.faces.http.challenge import Challenges
from orlop.faces.http.credentials import Credentials
from orlop.faces.http.proxies import Proxies
from orlop.faces.http.shell import Shell
from orlop.faces.token.app import TokenFace, TokenServer
from orlop.ports.certificates import CertificateReader
from orlop.ports.clock import Clock
from orlop.ports.credentials import PasswordHasher
from orlop.ports.events import Changes
from orlop.ports.identity import Identity
from orlop.ports.sign_on import PasswordSource, TokenSource
from orlop.services.access.decisions import Access
from orlop.services.identity.authentication import Authentication, SignIns
from orlop.services.identity.certificates import CertificateSignIn
from orlop.services.identity.devices import DeviceSignIn
from orlop.services.identity.failures import Gate, OnFailure, no_gate
from orlop.services.identity.lockout import Lockout
from orlop.services.identity.passwords import PasswordSignIn
from orlop.services.identity.provisioning import Provisioning
from orlop.services.identity.remembered import RememberedCredentials
from orlop.services.identity.secrets import SecretSignIn
from orlop.services.identity.signing import Signing
from orlop.services.identity.tokens import Tokens, Written, itself
from orlop.services.identity.uses import UseLog
from orlop.services.scanning.tokens import ScanTokens
from orlop.telemetry.requests import RequestLog

#: The name of this registry in its tokens, where `auth.url` says no other.
_ISSUER = "orlop"

_KEY_BYTES = 32


class SignIn(msgspec.Struct, frozen=True):
    """Everything about who somebody is. `passwords` is for who asks for more than a password; `close` when done."""

    authentication: Authentication
    passwords: PasswordSignIn
    provisioning: Provisioning
    signing: Signing
    tokens: Tokens
    uses: UseLog
    hasher: PasswordHasher
    challenges: Challenges
    credentials: Credentials
    close: Callable[[], None]


class Sources(msgspec.Struct, frozen=True):
    """Others who say who somebody is, and who wants to know of failures."""

    passwords: Sequence[PasswordSource] = ()
    tokens: Sequence[TokenSource] = ()
    on_failure: OnFailure = lambda _: None
    gate: Gate = no_gate
    scans: ScanTokens | None = None
    certificates: CertificateReader | None = None


class Chance(msgspec.Struct, frozen=True):
    """Time, randomness, and slow hashes; what is None is made here."""

    clock: Clock = SystemClock()
    draw: Draw = secrets.token_bytes
    hasher: Argon2Hasher | None = None


def build_sign_in(
    settings: Settings,
    identity: Identity,
    access_changes: Changes,
    access: Access,
    sources: Sources | None = None,
    chance: Chance | None = None,
    written: Written = itself,
) -> SignIn:
    """What a process asks. `access_changes` counts changes of who may do what; `written`: see Tokens."""
    sources, chance = sources or Sources(), chance or Chance()
    auth, clock, draw = settings.auth, chance.clock, chance.draw
    hasher = chance.hasher or Argon2Hasher()
    provisioning = Provisioning(identity.accounts, identity.external)
    passwords = PasswordSignIn(
        identity.passwords,
        hasher,
        sources.passwords,
        provisioning,
        Lockout(identity.attempts, clock),
        clock,
        sources.on_failure,
        sources.gate,
    )
    with_secrets = SecretSignIn(
        identity.secrets, clock, draw, sources.on_failure, refresh_lifetime=auth.refresh_lifetime
    )
    signing = Signing(
        identity.keys,
        JoseSigner(),
        clock,
        Terms(auth.url.rstrip("/") or _ISSUER, auth.service),
        lifetime=auth.key_lifetime,
        longest=auth.token_lifetime,
    )
    certificates = None
    if sources.certificates is not None:
        certificates = CertificateSignIn(
            sources.certificates, identity.documents, identity.accounts, clock, sources.on_failure
        )
    proxies = Proxies(networks(settings.trusted_proxies, "trusted_proxies"), auth.url)
    uses = UseLog(identity.uses, clock)
    return SignIn(
        Authentication(
            SignIns(passwords, with_secrets, signing, sources.tokens, sources.scans, certificates),
            identity.accounts,
            RememberedCredentials(access_changes, clock, draw(_KEY_BYTES)),
            uses,
            clock,
            sources.on_failure,
            everyone=settings.open,
        ),
        passwords,
        provisioning,
        signing,
        Tokens(access, identity.facts, signing, with_secrets, clock, draw, written, lifetime=auth.token_lifetime),
        uses,
        hasher,
        Challenges(proxies, auth.service),
        Credentials(proxies, settings.tls.client_header.lower().encode()),
        hasher.close,
    )


def token_app(
    sign_in: SignIn,
    log: RequestLog,
    request_ids: Callable[[], str],
    admit: Callable[[Caller], Allowance | None],
    devices: DeviceSignIn | None = None,
) -> Shell:
    """The token server, which takes `/token` and `/.well-known`; `admit` counts requests (services.limits.rates)."""
    server = TokenServer(
        sign_in.authentication,
        sign_in.tokens,
        sign_in.signing,
        sign_in.challenges,
        devices,
        sign_in.credentials,
        admit,
    )
    return Shell(TokenFace(server), log, request_ids, sign_in.challenges.proxies.client)
