"""Issuers of OpenID Connect tokens: finds their keys (OpenID Connect Discovery 1.0, section 4), and checks signatures.

Keys are remembered for minutes, and fetched anew when a token names one that is not known. An issuer that cannot be
reached is believed by the keys that it had for an hour.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec
from yarl import URL

from orlop.adapters.addresses import Permitted, named
from orlop.adapters.identity.workload.fetching import Fetcher, NoAnswer
from orlop.adapters.identity.workload.keys import PublicKey, choose, public_keys
from orlop.domain.errors import Unauthorized, Unavailable
from orlop.domain.identity.trusts import OidcTrust, head_of
from orlop.domain.identity.trusts.issuers import check_url, literal
from orlop.domain.identity.trusts.tokens import object_of

#: Seconds for which keys are not asked for again.
FRESH = 300.0
#: Seconds after which keys that could not be renewed are forgotten.
KEPT = 3600.0
#: Seconds between two questions for a key that is not known: anybody can make up a name of one.
AGAIN = 30.0
#: Seconds for which an issuer that did not answer is left alone.
REST = 5.0
#: Issuers whose keys are remembered.
_ISSUERS_MAX = 256


class _Source(NamedTuple):
    """Where keys come from. Two trusts that say the same of an issuer share them."""

    issuer: str
    ca: str
    addresses: tuple[str, ...]


class _Known:
    """The keys of a source."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.keys: tuple[PublicKey, ...] = ()
        self.fetched_at: float | None = None
        self.failed_at: float | None = None


class Issuers:
    """See ports.workload.TokenIssuers. `monotonic`: seconds that never go back; `networks`: where any issuer may lie,
    beside public addresses."""

    def __init__(self, fetcher: Fetcher, monotonic: Callable[[], float], networks: tuple[str, ...] = ()) -> None:
        self._fetcher = fetcher
        self._networks = networks
        self._monotonic = monotonic
        self._known: OrderedDict[_Source, _Known] = OrderedDict()
        self._pinned: OrderedDict[bytes, tuple[PublicKey, ...]] = OrderedDict()

    async def verify(self, token: str, trust: OidcTrust) -> Mapping[str, Any]:
        head = head_of(token)
        if head is None or head.issuer != trust.issuer:
            raise Unauthorized("the token is not one of this issuer")
        if head.algorithm not in trust.algorithms:
            raise Unauthorized(f"the token is signed with {head.algorithm[:20]!r}, which is not believed here")
        key = await self._find(trust, head.algorithm, head.key_id)
        if key is None:
            raise Unauthorized("the token is signed with a key that its issuer does not have")
        if not key.signed(token, head.algorithm):
            raise Unauthorized("the token's signature is wrong")
        claims = object_of(token.split(".")[1])
        assert claims is not None, "head_of has read it"
        return claims

    async def _find(self, trust: OidcTrust, algorithm: str, key_id: str | None) -> PublicKey | None:
        if trust.jwks is not None:
            return choose(self._read_pinned(trust.jwks), algorithm, key_id)
        source = _Source(trust.issuer, trust.ca, trust.addresses)
        known = self._known.setdefault(source, _Known())
        self._known.move_to_end(source)
        if len(self._known) > _ISSUERS_MAX:
            self._known.popitem(last=False)
        if self._age(known.fetched_at) < FRESH and (found := choose(known.keys, algorithm, key_id)) is not None:
            return found  # whoever makes us ask for other keys holds nobody up
        async with known.turn:
            age = self._age(known.fetched_at)
            if age >= FRESH:
                await self._renew(source, known)
            found = choose(known.keys, algorithm, key_id)
            if found is None and AGAIN <= age < FRESH:
                await self._renew(source, known)
                found = choose(known.keys, algorithm, key_id)
        return found

    def _age(self, since: float | None) -> float:
        return self._monotonic() - since if since is not None else float("inf")

    async def _renew(self, source: _Source, known: _Known) -> None:
        """Raises Unavailable when there are no keys that could still be believed."""
        failure: Unavailable | None = None
        if self._age(known.failed_at) >= REST:
            try:
                known.keys = public_keys(await self._fetch(source))
                known.fetched_at, known.failed_at = self._monotonic(), None
            except Unavailable as cause:
                known.failed_at, failure = self._monotonic(), cause
        if self._age(known.fetched_at) >= KEPT:
            known.keys = ()
            raise Unavailable(f"the keys of the token's issuer {source.issuer} cannot be had") from failure

    async def _fetch(self, source: _Source) -> dict[str, Any]:
        permitted = _permitted(source, self._networks)
        metadata = await self._get(f"{source.issuer.rstrip('/')}/.well-known/openid-configuration", permitted, source)
        # "The issuer value returned MUST be identical to the Issuer URL that was directly used" (section 4.3).
        if metadata.get("issuer") != source.issuer:
            raise NoAnswer(f"{source.issuer} answers as another issuer")
        address = metadata.get("jwks_uri")
        try:
            check_url(address if isinstance(address, str) else "", "jwks_uri", query=True)
        except ValueError as cause:
            raise NoAnswer(f"{source.issuer}: {cause}") from cause
        jwks = await self._get(str(address), permitted, source)
        if not isinstance(jwks.get("keys"), list):
            raise NoAnswer(f"{address} holds no keys")
        return jwks

    async def _get(self, url: str, permitted: Permitted, source: _Source) -> dict[str, Any]:
        answer = await self._fetcher.get(URL(url, encoded=True), permitted, ca=source.ca)
        if answer.status != 200:
            raise NoAnswer(f"{url} answers with status {answer.status}")
        return answer.fields

    def _read_pinned(self, jwks: dict[str, Any]) -> tuple[PublicKey, ...]:
        text = msgspec.json.encode(jwks, order="sorted")
        if text not in self._pinned:
            self._pinned[text] = public_keys(jwks)
            if len(self._pinned) > _ISSUERS_MAX:
                self._pinned.popitem(last=False)
        return self._pinned[text]


def _permitted(source: _Source, networks: tuple[str, ...]) -> Permitted:
    """Public addresses, those in networks, those that the trust names, and the issuer's own where its URL has an
    address for a host."""
    host = check_url(source.issuer, "issuer")
    own = literal(host)
    here = ("127.0.0.1", "::1") if host == "localhost" else (str(own),) if own is not None else ()
    return named((*networks, *source.addresses, *here))
