"""The code flow with PKCE, renewals and logout notices, for any number of providers (ports.sign_on.OpenId)."""

import asyncio
import hashlib
from base64 import b64encode, urlsafe_b64encode
from collections import OrderedDict, defaultdict
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode

import msgspec

from orlop.adapters.identity.oidc.metadata import Metadata, discovery_address, parse_metadata
from orlop.domain.errors import Denied, Unauthorized, Unavailable
from orlop.domain.identity.claims import names_groups
from orlop.domain.identity.providers import OidcProvider
from orlop.domain.identity.secret_references import SecretReference, parse_secret
from orlop.ports.clock import HOUR, SECOND, Clock
from orlop.ports.sign_on import LogoutNotice, SignedOn, SignOnRequest

if TYPE_CHECKING:
    from orlop.adapters.identity.oidc.fetch import Fetcher
    from orlop.adapters.identity.oidc.keys import Keys

#: How long a discovery document is believed, in microseconds, and of how many issuers one is kept.
_KEPT = HOUR
_ISSUERS = 64
#: How long a request may go on with what was replaced, in microseconds.
_LINGER = 120 * SECOND
#: How long a provider that could not be reached is not asked again, in microseconds.
_NOT_AGAIN = 5 * SECOND

_ID_TOKENS = frozenset({"jwt"})
#: "explicit typing … logout+jwt" is recommended (Back-Channel Logout 1.0, section 2.4); older ones say JWT or nothing.
_LOGOUT_TOKENS = frozenset({"jwt", "logout+jwt"})

#: What a provider may say of a refresh token that is at an end (RFC 6749, section 5.2).
_ENDED = frozenset({"invalid_grant"})


class _Issuer(msgspec.Struct, frozen=True):
    """What is known of an issuer, until it is looked up anew."""

    fetcher: "Fetcher"
    metadata: Metadata
    keys: "Keys"
    until: int


class OpenIdClient:
    """`secrets` fetches a client secret that is kept elsewhere; it raises Unavailable when it is not there. `networks`:
    what else may be reached on behalf of any provider, see Fetcher."""

    def __init__(self, clock: Clock, secrets: Callable[[SecretReference], str], networks: tuple[str, ...] = ()) -> None:
        self._clock = clock
        self._networks = networks
        self._secrets = secrets
        self._issuers: OrderedDict[tuple[str, str], _Issuer] = OrderedDict()
        self._opening: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._failed: dict[tuple[str, str], tuple[int, Unavailable]] = {}
        self._left: list[tuple[int, Fetcher]] = []

    async def close(self) -> None:
        """Close every connection."""
        for fetcher in [*(each for _, each in self._left), *(issuer.fetcher for issuer in self._issuers.values())]:
            await fetcher.close()
        self._issuers.clear()
        self._left.clear()

    async def address(self, provider: OidcProvider, request: SignOnRequest) -> str:
        """See ports.sign_on.OpenId."""
        issuer = await self._issuer(provider)
        parameters = {
            "response_type": "code",
            "client_id": provider.client_id,
            "redirect_uri": request.redirect,
            "scope": " ".join(provider.scopes),
            "state": request.state,
            "nonce": request.nonce,
            "code_challenge": _digest(request.verifier),
            "code_challenge_method": "S256",
        }
        if provider.prompt:
            parameters["prompt"] = provider.prompt
        # "The endpoint URI MAY include … query component, which MUST be retained" (RFC 6749, section 3.1)
        endpoint = issuer.metadata.authorization_endpoint
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(parameters)}"

    async def redeem(
        self, provider: OidcProvider, request: SignOnRequest, *, code: str, issuer: str | None
    ) -> SignedOn:
        """See ports.sign_on.OpenId."""
        known = await self._issuer(provider)
        # "If the value does not match the expected issuer identifier, clients MUST reject" (RFC 9207, section 2.4)
        if issuer is None and known.metadata.authorization_response_iss_parameter_supported:
            raise Unauthorized("the answer does not say which provider it is of, as this provider's answers do")
        if issuer is not None and issuer != provider.issuer:
            raise Unauthorized("the answer is of another provider than the one that was asked")
        said = await self._token(
            provider,
            known,
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": request.redirect,
                "code_verifier": request.verifier,
            },
        )
        id_token = said.get("id_token")
        if not isinstance(id_token, str):
            raise Unauthorized("the provider gave no ID token; is this an OpenID provider?")
        claims = await self._verified(provider, known, id_token, said, nonce=request.nonce, external=None)
        claims = await self._completed(provider, known, claims, said)
        return SignedOn(claims, _string(claims, "sid"), _string(said, "refresh_token"))

    async def renew(self, provider: OidcProvider, refresh_token: str, external: str) -> SignedOn:
        """See ports.sign_on.OpenId."""
        known = await self._issuer(provider)
        said = await self._token(
            provider, known, {"grant_type": "refresh_token", "refresh_token": refresh_token}, ended=Denied
        )
        claims: dict[str, Any] = {}
        id_token = said.get("id_token")
        if isinstance(id_token, str):
            claims = await self._verified(provider, known, id_token, said, nonce=None, external=external)
            claims = await self._completed(provider, known, claims, said)
        return SignedOn(claims, _string(claims, "sid"), _string(said, "refresh_token") or refresh_token)

    async def notice(self, provider: OidcProvider, token: str) -> LogoutNotice:
        """See ports.sign_on.OpenId."""
        known = await self._issuer(provider)
        from orlop.adapters.identity.oidc.tokens import check_common, logout_notice, verified

        found = await verified(token, provider, known.keys, types=_LOGOUT_TOKENS)
        check_common(found.claims, provider, self._clock.now())
        return logout_notice(found.claims)

    async def trial(self, provider: OidcProvider) -> AsyncGenerator[str]:
        """A sentence for each thing that works, all of it asked anew. Raises Unavailable for what does not."""
        issuer = await self._open(provider, self._clock.now())
        try:
            yield f"{discovery_address(provider.issuer)} answers, and is about this issuer"
            usable = await issuer.keys.usable(provider.algorithms)
            if not usable:
                raise Unavailable(f"it publishes no key for signatures of {', '.join(provider.algorithms)}")
            yield f"it publishes keys that can be used here: {usable}"
            if provider.client_secret:
                self._secrets(parse_secret(provider.client_secret))
                yield "the secret of this client can be read; whether it is right shows when somebody signs in"
        finally:
            await issuer.fetcher.close()

    async def _verified(
        self,
        provider: OidcProvider,
        issuer: _Issuer,
        id_token: str,
        said: dict[str, Any],
        *,
        nonce: str | None,
        external: str | None,
    ) -> dict[str, Any]:
        from orlop.adapters.identity.oidc.tokens import check_common, check_id_token, verified

        found = await verified(id_token, provider, issuer.keys, types=_ID_TOKENS)
        check_common(found.claims, provider, self._clock.now())
        check_id_token(found, nonce=nonce, access_token=_string(said, "access_token"), external=external)
        return found.claims

    async def _completed(
        self, provider: OidcProvider, issuer: _Issuer, claims: dict[str, Any], said: dict[str, Any]
    ) -> dict[str, Any]:
        """With what only the userinfo endpoint says, when something is missing that the rules need."""
        wanted = {provider.user_name.claim, provider.email_claim, provider.display_claim}
        if (names_groups(provider, claims) and wanted <= set(claims)) or not issuer.metadata.userinfo_endpoint:
            return claims
        access_token = _string(said, "access_token")
        if not access_token.isascii() or not access_token.isprintable() or not access_token:
            return claims
        answer = await issuer.fetcher.get(issuer.metadata.userinfo_endpoint, f"Bearer {access_token}")
        if answer.status != 200:
            raise Unavailable(f"the provider {provider.issuer} does not say more of this account: {answer.status}")
        # "The sub Claim in the UserInfo Response MUST be verified to exactly match" (OpenID Connect Core, 5.3.2)
        if answer.body.get("sub") != claims.get("sub"):
            raise Unauthorized("the provider says more, but of somebody else")
        return {**answer.body, **claims}

    async def _token(
        self,
        provider: OidcProvider,
        issuer: _Issuer,
        form: dict[str, str],
        ended: type[Denied] | type[Unauthorized] = Unauthorized,
    ) -> dict[str, Any]:
        """A request to the token endpoint, with the client's own proof."""
        headers: dict[str, str] = {}
        secret = self._secrets(parse_secret(provider.client_secret)) if provider.client_secret else ""
        if secret and "client_secret_basic" in issuer.metadata.token_endpoint_auth_methods_supported:
            # "encoded using the application/x-www-form-urlencoded encoding algorithm" (RFC 6749, section 2.3.1)
            pair = f"{quote_plus(provider.client_id)}:{quote_plus(secret)}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            form = {**form, "client_id": provider.client_id, **({"client_secret": secret} if secret else {})}
        answer = await issuer.fetcher.post(issuer.metadata.token_endpoint, form, headers)
        if answer.status == 200:
            return answer.body
        error = _string(answer.body, "error")
        if answer.status in {400, 401, 403} and error in _ENDED:
            raise ended("the provider does not accept this sign-in any more")
        if answer.status < 500 and error:
            raise Unavailable(f"the provider {provider.issuer} refuses: {_word(error)}; is the client set up right?")
        raise Unavailable(f"the provider {provider.issuer} answered {answer.status}")

    async def _issuer(self, provider: OidcProvider) -> _Issuer:
        key = (provider.issuer, provider.ca)
        now = self._clock.now()
        if (known := self._known(key, now)) is None:
            async with self._opening[key]:
                if (known := self._known(key, now)) is None:
                    try:
                        known = await self._open(provider, now)
                    except Unavailable as failure:
                        self._failed = {} if len(self._failed) > _ISSUERS else self._failed
                        self._failed[key] = (now, failure)
                        raise
                    await self._keep(key, known, now)
        self._issuers.move_to_end(key)
        return known

    def _known(self, key: tuple[str, str], now: int) -> _Issuer | None:
        """Raises Unavailable when it could not be reached just now: those who wait are not made to wait once more."""
        failed = self._failed.get(key)
        if failed is not None and 0 <= now - failed[0] < _NOT_AGAIN:
            raise Unavailable(failed[1].message)
        known = self._issuers.get(key)
        return known if known is not None and known.until - _KEPT <= now < known.until else None

    async def _open(self, provider: OidcProvider, now: int) -> _Issuer:
        # When a provider is first asked: a worker is ready sooner without the HTTP client and what checks signatures.
        from orlop.adapters.identity.oidc.fetch import Fetcher
        from orlop.adapters.identity.oidc.keys import Keys

        fetcher = Fetcher(provider.issuer, provider.ca, self._networks)
        try:
            await fetcher.open()
            answer = await fetcher.get(discovery_address(provider.issuer))
            if answer.status != 200:
                raise Unavailable(f"{discovery_address(provider.issuer)} answered {answer.status}")
            metadata = parse_metadata(answer.body, provider.issuer, fetcher.permitted)
        except BaseException:
            await fetcher.close()
            raise

        async def fetch() -> dict[str, Any]:
            answer = await fetcher.get(metadata.jwks_uri)
            if answer.status != 200:
                raise Unavailable(f"the keys of the provider {provider.issuer} cannot be had: {answer.status}")
            return answer.body

        return _Issuer(fetcher, metadata, Keys(fetch, self._clock), now + _KEPT)

    async def _keep(self, key: tuple[str, str], issuer: _Issuer, now: int) -> None:
        """Others may still be talking through one that is replaced, so it is closed when they cannot be any more."""
        replaced = self._issuers.pop(key, None)
        self._issuers[key] = issuer
        gone = [replaced] if replaced else []
        if len(self._issuers) > _ISSUERS:
            gone.append(self._issuers.popitem(last=False)[1])
        over = [fetcher for since, fetcher in self._left if not 0 <= now - since < _LINGER]
        self._left = [(since, fetcher) for since, fetcher in self._left if fetcher not in over]
        self._left += [(now, each.fetcher) for each in gone]
        for fetcher in over:
            await fetcher.close()


def _digest(verifier: str) -> str:
    """ "BASE64URL-ENCODE(SHA256(ASCII(code_verifier)))" (RFC 7636, section 4.2)."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode()


def _string(said: dict[str, Any], name: str) -> str:
    found = said.get(name)
    return found if isinstance(found, str) and len(found) <= 65_536 else ""


def _word(text: str) -> str:
    return "".join(c for c in text[:64] if c.isascii() and (c.isalnum() or c in "_-"))
