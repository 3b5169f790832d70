"""Ed25519 signatures of tokens (RFC 8037, RFC 9864).

Of a token's header only what names one of our keys is believed. Everything by which a token could bring its own key or
its own rules (`jwk`, `jku`, `x5c`, `x5u`, `crit`, `b64`), and every other algorithm, makes it none of ours, before
anything of it is computed.
"""

import binascii
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from orlop.domain.identity.tokens import TOKEN_MAX
from orlop.ports.identity import SigningKey

if TYPE_CHECKING:
    from joserfc.jwk import OKPKey

# The library is imported when the first token is made or checked: a tenth of the time that a server takes to start.

#: "Ed25519": EdDSA with the one curve, named in full (RFC 9864, section 2.2).
ALGORITHM = "Ed25519"

#: What the name of each of our keys begins with: tokens of others are told by it at a glance.
KEY_PREFIX = "orlop-"

_HEADER_MAX = 256
_KEYS = 16


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alg: str
    kid: str
    typ: str


_headers = msgspec.json.Decoder(_Header)


class JoseSigner:
    """See ports.credentials.TokenSigner."""

    algorithm = ALGORITHM

    def __init__(self) -> None:
        self._keys: OrderedDict[bytes, OKPKey] = OrderedDict()

    def generate(self) -> tuple[str, bytes]:
        from joserfc.jwk import OKPKey

        key = OKPKey.generate_key("Ed25519")
        return f"{KEY_PREFIX}{key.thumbprint()[:22]}", key.as_pem(private=True)

    def public(self, key: SigningKey) -> Mapping[str, str]:
        public = self._key(key).as_dict(private=False)
        own = {name: str(public[name]) for name in ("kty", "crv", "x")}
        return {**own, "kid": key.id, "alg": ALGORITHM, "use": "sig"}

    def sign(self, key: SigningKey, payload: bytes) -> str:
        from joserfc import jws

        header = {"alg": ALGORITHM, "kid": key.id, "typ": "JWT"}
        return jws.serialize_compact(header, payload, self._key(key), algorithms=[ALGORITHM])

    def key_id(self, token: str) -> str | None:
        if len(token) > TOKEN_MAX or token.count(".") != 2 or not token.isascii():
            return None
        encoded = token.partition(".")[0]
        if len(encoded) > _HEADER_MAX:
            return None
        try:
            header = _headers.decode(_decoded(encoded))
        except (ValueError, RecursionError):
            return None
        ours = header.alg == ALGORITHM and header.typ == "JWT" and header.kid.startswith(KEY_PREFIX)
        return header.kid if ours else None

    def verify(self, token: str, key: SigningKey) -> bytes | None:
        if self.key_id(token) != key.id or key.algorithm != ALGORITHM:
            return None
        from joserfc import jws
        from joserfc.errors import JoseError

        try:
            return jws.deserialize_compact(token, self._key(key), algorithms=[ALGORITHM]).payload
        except (JoseError, ValueError):
            return None

    def _key(self, key: SigningKey) -> "OKPKey":
        """Read once."""
        from joserfc.jwk import OKPKey

        found = self._keys.get(key.private)
        if found is None:
            found = self._keys[key.private] = OKPKey.import_key(key.private)
            if len(self._keys) > _KEYS:
                self._keys.popitem(last=False)
        return found


def _decoded(text: str) -> bytes:
    """Base64url without padding, and nothing else (RFC 7515, section 2). Raises ValueError."""
    if "=" in text or "+" in text or "/" in text:
        raise ValueError("not base64url")
    return binascii.a2b_base64(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), strict_mode=True)
