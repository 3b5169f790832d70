"""Foreign tokens become robots: which trust a token satisfies, and what is said to those who satisfy none.

Strangers learn nothing of what trusts ask for. A refusal has a reference, by which whoever runs the registry finds the
reason in the log.
"""

import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from orlop.domain.errors import RegistryError, Unauthorized, Unavailable
from orlop.domain.identity.trusts import (
    KIND,
    AwsTrust,
    OidcTrust,
    check_times,
    head_of,
    is_for,
    mismatch,
    names,
    principal_of,
    read_trust,
    subject_of,
)
from orlop.ports.clock import SECOND, Clock
from orlop.ports.identity import Documents
from orlop.ports.sign_on import Vouched
from orlop.ports.workload import CallerIdentities, TokenIssuers

_CREDENTIAL_MAX = 200
#: Trusts that a process remembers as they were read.
_TRUSTS = 4096

#: How far a token came with a trust, from the worst on.
_NOT_SIGNED, _NOT_KNOWN, _SIGNED, _TIMELY, _OURS = range(5)


class Reason(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why one trust did not accept a token; for the log alone."""

    trust: str
    what: str
    claim: str = ""
    wanted: tuple[str, ...] = ()
    found: str = ""


class Refusal(msgspec.Struct, frozen=True):
    """A token that no trust accepted. `reference` is what the client was told; the token itself is nowhere."""

    reference: str
    issuer: str
    subject: str
    reasons: tuple[Reason, ...]


class Workloads:
    """See ports.sign_on.TokenSource. `refused` is told of every token that was not accepted.

    A token may be used again until it expires: CI systems have one for all requests of a job. The trusts are read from
    the catalog each time, by name; the first that accepts a token decides which robot it is.
    """

    def __init__(
        self,
        documents: Documents,
        issuers: TokenIssuers,
        identities: CallerIdentities,
        clock: Clock,
        refused: Callable[[Refusal], None],
    ) -> None:
        self._documents = documents
        self._issuers = issuers
        self._identities = identities
        self._clock = clock
        self._refused = refused

    async def verify(self, token: str) -> Vouched | None:
        if self._identities.is_question(token):
            return await self._ask(token)
        head = head_of(token)
        if head is None:
            return None
        trusts = [
            (name, trust)
            for name, trust in await self._trusts()
            if isinstance(trust, OidcTrust) and trust.issuer == head.issuer
        ]
        if not trusts:
            return None
        return await self._compare(token, head.issuer, trusts)

    async def _compare(self, token: str, issuer: str, trusts: list[tuple[str, OidcTrust]]) -> Vouched:
        now = self._clock.now()
        signed: Mapping[str, Any] = {}
        failures: list[tuple[int, RegistryError]] = []
        reasons: list[Reason] = []
        signatures = _Signatures(self._issuers, token)
        for name, trust in trusts:
            near = _NOT_SIGNED
            try:
                claims = await signatures.claims(trust)
                signed, near = claims, _SIGNED
                check_times(claims, now)
                near = _TIMELY
                if not is_for(claims, trust.audience):
                    raise Unauthorized("the token is made for another audience than this registry")
                near = _OURS
                wrong = mismatch(trust.preset, trust.claims, claims)
                if wrong is None:
                    return _vouched(trust.robot, name, subject_of(claims), now, trust.minutes)
                reasons.append(Reason(name, "a claim is another", wrong.claim, wrong.wanted, wrong.found))
                raise Unauthorized("no trust here accepts a token with these claims")
            except (Unauthorized, Unavailable) as failure:
                if near is not _OURS:
                    reasons.append(Reason(name, failure.message, found=_cause(failure)))
                if isinstance(failure, Unavailable):
                    near = _NOT_KNOWN
                failures.append((near, failure))
        subject = subject_of(signed) if signed else "not known: no signature was good"
        # What is said is what the trust that was nearest says: a stranger may know what the token itself is like.
        _, said = max(failures, key=lambda each: each[0])
        raise self._refusal(token, issuer, subject, tuple(reasons), said)

    async def _ask(self, token: str) -> Vouched:
        trusts = [(name, trust) for name, trust in await self._trusts() if isinstance(trust, AwsTrust)]
        if not trusts:
            raise Unauthorized("no trust here is for AWS")
        now = self._clock.now()
        reasons: list[Reason] = []
        said: RegistryError = Unauthorized("no trust here accepts this principal of AWS")
        subject = ""
        for audience in dict.fromkeys(trust.audience for _, trust in trusts):
            try:
                subject = await self._identities.ask(token, audience)
            except (Unauthorized, Unavailable) as failure:
                reasons += [
                    Reason(name, failure.message, found=_cause(failure))
                    for name, trust in trusts
                    if trust.audience == audience
                ]
                said = failure
                continue
            # Signed for this audience, so for none of the others.
            principal = principal_of(subject)
            said = Unauthorized("no trust here accepts this principal of AWS")
            for name, trust in trusts:
                if trust.audience == audience and principal is not None and names(trust.principal, principal):
                    return _vouched(trust.robot, name, subject, now, trust.minutes)
                reasons.append(Reason(name, "the principal is another", "arn", (trust.principal,), subject))
            break
        raise self._refusal(token, "AWS", subject, tuple(reasons), said)

    async def _trusts(self) -> list[tuple[str, OidcTrust | AwsTrust]]:
        found: list[tuple[str, OidcTrust | AwsTrust]] = []
        for document in await self._documents.all(KIND):
            try:
                found.append((document.name, _read(document.body)))
            except RegistryError as failure:
                # Written by a version that allowed it; it opens nothing until it is mended.
                self._refused(Refusal("", "", "", (Reason(document.name, failure.message),)))
        return found

    def _refusal(
        self, token: str, issuer: str, subject: str, reasons: tuple[Reason, ...], said: RegistryError
    ) -> RegistryError:
        reference = hashlib.sha256(token.encode()).hexdigest()[:12]
        self._refused(Refusal(reference, issuer, subject, reasons))
        message = f"{said.message} (the registry's log says more under {reference})"
        if isinstance(said, Unavailable):
            return Unavailable(message, retry_after=said.retry_after)
        return Unauthorized(message)


class _Signatures:
    """Checks the signature of one token once for all trusts that know its issuer by the same keys."""

    def __init__(self, issuers: TokenIssuers, token: str) -> None:
        self._issuers = issuers
        self._token = token
        self._checked: dict[bytes, Mapping[str, Any] | RegistryError] = {}

    async def claims(self, trust: OidcTrust) -> Mapping[str, Any]:
        """See ports.workload.TokenIssuers."""
        source = msgspec.json.encode((trust.algorithms, trust.jwks, trust.ca, trust.addresses))
        if source not in self._checked:
            try:
                self._checked[source] = await self._issuers.verify(self._token, trust)
            except (Unauthorized, Unavailable) as failure:
                self._checked[source] = failure
        found = self._checked[source]
        if isinstance(found, RegistryError):
            raise found
        return found


#: What a body says never changes, so each is read once while it is in use.
_read = lru_cache(maxsize=_TRUSTS)(read_trust)


def _vouched(robot: str, trust: str, subject: str, now: int, minutes: int) -> Vouched:
    return Vouched(robot, f"trust {trust}: {subject}"[:_CREDENTIAL_MAX], now + minutes * 60 * SECOND)


def _cause(failure: RegistryError) -> str:
    cause = failure.__cause__
    return str(cause) if isinstance(cause, RegistryError) else ""
