"""Verified tokens of a provider: ID tokens (OpenID Connect Core 1.0) and logout tokens (Back-Channel Logout 1.0)."""

import hashlib
import hmac
import math
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

import msgspec
from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError

from orlop.adapters.identity.oidc.keys import Keys
from orlop.domain.errors import Unauthorized
from orlop.domain.identity.providers import OidcProvider
from orlop.ports.clock import SECOND
from orlop.ports.sign_on import LogoutNotice

#: How far the provider's clock may be from ours, and how old a token may be when it comes first, in seconds.
SKEW, FRESH = 60, 600

_TOKEN_MAX = 256 << 10
_LOGOUT = "http://schemas.openid.net/event/backchannel-logout"


class _Registry(jws.JWSRegistry):
    max_header_length = 16 << 10
    max_payload_length = _TOKEN_MAX

    def get_alg(self, name: str) -> Any:
        """Those that are allowed, without the library's warning that "EdDSA" has a newer name (RFC 9864)."""
        if name not in (self.allowed or ()):
            raise UnsupportedAlgorithmError(f"{name} is not allowed")
        return self.algorithms[name]


class Verified(msgspec.Struct, frozen=True):
    """The claims of a token whose signature is right, and how it was signed."""

    claims: dict[str, Any]
    algorithm: str


async def verified(token: str, provider: OidcProvider, keys: Keys, *, types: frozenset[str]) -> Verified:
    """The claims of a token that the provider signed and that is of one of `types` (its `typ`, in lower case).

    Keys come from the provider alone: whatever a token says of its own key (`jwk`, `jku`, `x5c`, `x5u`) is passed over.
    """
    if len(token) > _TOKEN_MAX or token.count(".") != 2:
        raise Unauthorized("the provider's token is no signed token")
    registry = _Registry(algorithms=provider.algorithms, strict_check_header=False)
    try:
        signature = jws.extract_compact(token.encode("ascii"), None, registry)
        header = signature.headers()
        if not isinstance(header, dict):
            raise Unauthorized("the provider's token has a header that is not understood")
        algorithm, kid = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in provider.algorithms:
            raise Unauthorized("the provider's token is signed in a way that is not allowed here")
        if "crit" in header or "b64" in header or not (kid is None or isinstance(kid, str)):
            raise Unauthorized("the provider's token has a header that is not understood")
        kind = header.get("typ", "JWT")
        if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in types:
            raise Unauthorized("the provider's token is of another type than is needed here")
        key = await keys.find(kid, algorithm)
        if not jws.validate_compact(signature, key, provider.algorithms, registry):
            raise Unauthorized("the signature of the provider's token is not right")
        claims = msgspec.json.decode(signature.payload)
    except (JoseError, ValueError, TypeError, KeyError, RecursionError, msgspec.MsgspecError) as cause:
        raise Unauthorized("the provider's token cannot be read, or its signature is not right") from cause
    if not isinstance(claims, dict):
        raise Unauthorized("the provider's token has no claims")
    return Verified(claims, algorithm)


def check_common(claims: Mapping[str, Any], provider: OidcProvider, now: int) -> None:
    """Issuer, audience and times. Raises Unauthorized."""
    if claims.get("iss") != provider.issuer:
        raise Unauthorized("the provider's token is of another issuer")
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or provider.client_id not in audiences:
        raise Unauthorized("the provider's token is for another audience")
    party = claims.get("azp")
    if len(audiences) > 1 and party is None:
        raise Unauthorized("the provider's token is for several, and does not say for whom it was made")
    if party is not None and party != provider.client_id:
        raise Unauthorized("the provider's token was made for another")
    seconds = now / SECOND
    expires, issued = _number(claims, "exp"), _number(claims, "iat")
    if expires is None or expires <= seconds - SKEW:
        raise Unauthorized("the provider's token has expired, or does not say when it does")
    if issued is None or not seconds - FRESH <= issued <= seconds + SKEW:
        raise Unauthorized("the provider's token is not fresh; if it should be, the clocks here and there differ")
    if "nbf" in claims:
        begins = _number(claims, "nbf")
        if begins is None or begins > seconds + SKEW:
            raise Unauthorized("the provider's token is not valid yet")


def check_id_token(token: Verified, *, nonce: str | None, access_token: str, external: str | None) -> None:
    """What an ID token says beside the common: whose it is, and that it belongs to this sign-in.

    `nonce` None: of a renewal, which need not repeat it; then `external` is the `sub` that it has to have (section
    12.2). Raises Unauthorized.
    """
    claims = token.claims
    sub = claims.get("sub")
    if not isinstance(sub, str) or not 0 < len(sub) <= 255:  # section 2: "MUST NOT exceed 255 ASCII characters"
        raise Unauthorized("the provider's token does not say whom it is about")
    if external is not None and sub != external:
        raise Unauthorized("the provider's token is about somebody else")
    if nonce is not None:
        said = claims.get("nonce")
        if not isinstance(said, str) or not hmac.compare_digest(said.encode(), nonce.encode()):
            raise Unauthorized("the provider's token belongs to another sign-in")
    if "at_hash" in claims and claims["at_hash"] != _half_hash(token.algorithm, access_token):
        raise Unauthorized("the provider's token belongs to another access token")


def logout_notice(claims: Mapping[str, Any]) -> LogoutNotice:
    """What a logout token says (Back-Channel Logout 1.0, sections 2.4 and 2.6). Raises Unauthorized."""
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(_LOGOUT), dict):
        raise Unauthorized("the token is not about a logout")
    if "nonce" in claims:  # "to prevent its use as an ID Token", and the other way round
        raise Unauthorized("a logout token has no nonce")
    sub, sid, name = claims.get("sub"), claims.get("sid"), claims.get("jti")
    if not isinstance(name, str) or not 0 < len(name) <= 1024:
        raise Unauthorized("the logout token has no jti")
    for said in (sub, sid):
        if said is not None and (not isinstance(said, str) or not 0 < len(said) <= 1024):
            raise Unauthorized("the logout token says whom it is about in a way that is not understood")
    if not sub and not sid:
        raise Unauthorized("the logout token does not say whom it is about")
    return LogoutNotice(name, sub or "", sid or "")


def _half_hash(algorithm: str, access_token: str) -> str:
    """Section 3.1.3.6. With Ed25519 the hash is that of its signature, SHA-512."""
    name = {"256": "sha256", "384": "sha384", "512": "sha512"}.get(algorithm[-3:], "sha512")
    digest = hashlib.new(name, access_token.encode()).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


def _number(claims: Mapping[str, Any], name: str) -> float | None:
    found = claims.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        return None
    return float(found) if abs(found) < 1e12 else None
