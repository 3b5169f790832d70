"""What a token says of itself before anybody believes it, and what every token has to hold besides (RFC 7519)."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from orlop.domain.durations import SECOND
from orlop.domain.errors import Unauthorized

#: Longer tokens are not looked at; those of CI systems have one to three KiB.
TOKEN_MAX = 16 * 1024

#: How far the clocks of an issuer and of this machine may differ, in seconds.
LEEWAY = 30

_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*", re.ASCII)
_KEY_ID_MAX = 256
_MAX_SECONDS = 1 << 40


class TokenHead(msgspec.Struct, frozen=True):
    """The header of a token and its issuer. Nothing of it is proved."""

    algorithm: str
    key_id: str | None
    issuer: str


def head_of(token: str) -> TokenHead | None:
    """The head of a signed JWT (RFC 7515, compact form); None for anything else.

    None also for one whose header asks for what is not understood here (`crit`, section 4.1.11), is encrypted, or is of
    another type than `JWT`: what an issuer signs as something else, such as a logout token, vouches for nobody.
    """
    if len(token) > TOKEN_MAX or not _COMPACT.fullmatch(token):
        return None
    first, second, _ = token.split(".")
    header, claims = object_of(first), object_of(second)
    if header is None or claims is None or "crit" in header or "enc" in header or "b64" in header:
        return None
    algorithm, key_id, kind = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
    issuer = claims.get("iss")
    if not isinstance(algorithm, str) or not isinstance(issuer, str):
        return None
    if not isinstance(kind, str) or kind.upper() not in {"JWT", "APPLICATION/JWT"}:
        return None
    if key_id is not None and not (isinstance(key_id, str) and len(key_id) <= _KEY_ID_MAX):
        return None
    return TokenHead(algorithm, key_id, issuer)


def object_of(part: str) -> dict[str, Any] | None:
    """The JSON object in a part of a token; None when there is none."""
    try:
        raw = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
        decoded = msgspec.json.decode(raw)
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return decoded if isinstance(decoded, dict) else None


def check_times(claims: Mapping[str, Any], now: int) -> None:
    """Raises Unauthorized unless a token is good now (microseconds since 1970). `exp` and `iat` have to be there."""
    seconds = now // SECOND
    expires, issued, begins = (_time(claims, name) for name in ("exp", "iat", "nbf"))
    if expires is None or issued is None:
        raise Unauthorized("the token does not say since when and until when it is good (iat, exp)")
    if expires + LEEWAY <= seconds:
        raise Unauthorized("the token has expired; get another from its issuer")
    if max(issued, begins or 0) - LEEWAY > seconds:
        raise Unauthorized("the token is not good yet: the clock of its issuer, or of this registry, is wrong")
    if expires <= issued:
        raise Unauthorized("the token expires before it was issued")


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _MAX_SECONDS:
        raise Unauthorized(f"the token's {name} is no time")
    return value


def is_for(claims: Mapping[str, Any], audience: str) -> bool:
    """Whether a token is made for this audience and nobody else, who could come here with it.

    "The ID Token MUST be rejected if the ID Token does not list the Client as a valid audience, or if it contains
    additional audiences not trusted by the Client" (OpenID Connect Core, section 3.1.3.7).
    """
    value = claims.get("aud")
    return value == audience or value == [audience]
