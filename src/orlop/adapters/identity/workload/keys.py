"""Public keys out of a JSON Web Key Set (RFC 7517): which of them can have made a signature of a kind."""

from base64 import b64decode
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

from orlop.domain.identity.trusts.pinned import PRIVATE, PUBLIC

#: Sets with more keys are read as far as this.
KEYS_MAX = 64

#: "A key of size 2048 bits or larger MUST be used" (RFC 7518, section 3.3); larger ones than these cost too much time.
_RSA_BITS = range(2048, 8193)
_RSA_EXPONENT_MAX = 1 << 32
_TEXT_MAX = 2048

#: Type and curve of the keys that make a signature (RFC 7518, section 3.1; RFC 8037, section 3.1;
#: RFC 9864).
_MADE_BY = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
}

Key = RSAKey | ECKey | OKPKey


class PublicKey(msgspec.Struct, frozen=True):
    """A key and what its set says of it."""

    id: str | None
    kind: str
    curve: str | None
    algorithm: str | None
    """The only one that it is for, if it says so."""
    key: Key

    def makes(self, algorithm: str) -> bool:
        """Whether it can have made a signature of that kind, and may."""
        return _MADE_BY.get(algorithm) == (self.kind, self.curve) and self.algorithm in {None, algorithm}

    def signed(self, token: str, algorithm: str) -> bool:
        """Whether it made the signature of a token in its compact form."""
        try:
            if isinstance(self.key, OKPKey):
                # The library warns of the name EdDSA, which issuers go on to use.
                signed, _, signature = token.rpartition(".")
                public = self.key.public_key
                assert isinstance(public, Ed25519PublicKey)
                public.verify(_decoded(signature), signed.encode())
            else:
                jws.deserialize_compact(token, self.key, algorithms=[algorithm])
        except (JoseError, InvalidSignature, ValueError):
            return False
        return True


def public_keys(jwks: dict[str, Any]) -> tuple[PublicKey, ...]:
    """The usable keys of a set. Left out are those that are secret, weak, not for signatures, or not readable."""
    listed = jwks.get("keys")
    found = (_public_key(each) for each in (listed[:KEYS_MAX] if isinstance(listed, list) else ()))
    return tuple(key for key in found if key is not None)


def _public_key(said: Any) -> PublicKey | None:
    if not isinstance(said, dict) or PRIVATE.intersection(said):
        return None
    kind = said.get("kty")
    if not isinstance(kind, str) or kind not in PUBLIC:
        return None
    operations = said.get("key_ops", ["verify"])
    if said.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return None
    identifier, algorithm = said.get("kid"), said.get("alg")
    if not isinstance(identifier, str | None) or not isinstance(algorithm, str | None):
        return None
    try:
        if kind == "RSA" and not _is_strong(said["n"], said["e"]):
            return None
        key = import_key({"kty": kind, **{part: said[part] for part in PUBLIC[kind]}})
        assert isinstance(key, Key)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return PublicKey(identifier, kind, said["crv"] if "crv" in PUBLIC[kind] else None, algorithm, key)


def _is_strong(modulus: str, exponent: str) -> bool:
    """Whether an RSA key is neither weak nor made to cost time. Raises ValueError for what is no number."""
    n, e = (int.from_bytes(_decoded(part[:_TEXT_MAX])) for part in (modulus, exponent))
    return n.bit_length() in _RSA_BITS and 3 <= e < _RSA_EXPONENT_MAX


def _decoded(text: str) -> bytes:
    return b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)


def choose(keys: tuple[PublicKey, ...], algorithm: str, key_id: str | None) -> PublicKey | None:
    """The key that a token names; one that names none is of the only key that can have made it, or of nobody's."""
    fitting = [key for key in keys if key.makes(algorithm) and (key_id is None or key.id == key_id)]
    return fitting[0] if len(fitting) == 1 else None
