"""Keys that issuers of the tests sign with, each made once in a run."""

import base64
import hmac
from functools import cache
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from joserfc import jws
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey


@cache
def rsa(name: str) -> RSAKey:
    """An RSA key of that name."""
    return RSAKey.generate_key(2048, {"kid": name})


def weak(name: str) -> dict[str, Any]:
    """A public key of 1024 bits, as it stands in a set; no library makes one without a warning."""
    numbers = generate_private_key(65537, 1024).public_key().public_numbers()
    modulus = base64url(numbers.n.to_bytes(128, "big"))
    return {"kty": "RSA", "kid": name, "alg": "RS256", "use": "sig", "n": modulus, "e": "AQAB"}


@cache
def ec(name: str, curve: Any = "P-256") -> ECKey:
    """A key on a curve."""
    return ECKey.generate_key(curve, {"kid": name})


@cache
def okp(name: str) -> OKPKey:
    """An Ed25519 key."""
    return OKPKey.generate_key("Ed25519", {"kid": name})


def public(key: Key, **more: Any) -> dict[str, Any]:
    """The public half as it stands in a set of keys."""
    return {**key.as_dict(private=False), "use": "sig", **more}


def sign(
    claims: dict[str, Any] | bytes, key: Key, *, algorithm: str = "RS256", header: dict[str, Any] | None = None
) -> str:
    """A token, with whatever header the test wants beside `alg`."""
    payload = claims if isinstance(claims, bytes) else msgspec.json.encode(claims)
    whole = {"typ": "JWT", "alg": algorithm, "kid": key.kid, **(header or {})}
    whole = {name: value for name, value in whole.items() if value is not None}
    if isinstance(key, OKPKey):
        signed = f"{base64url(msgspec.json.encode(whole))}.{base64url(payload)}"
        private = key.private_key
        assert isinstance(private, Ed25519PrivateKey)
        return f"{signed}.{base64url(private.sign(signed.encode()))}"
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    return jws.serialize_compact(whole, payload, key, registry=registry)


def base64url(raw: bytes) -> str:
    """As RFC 7515 has it: without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def sign_by_secret(claims: dict[str, Any], secret: bytes, name: str) -> str:
    """A token signed with HS256 and any secret, also with one that libraries refuse."""
    header = {"typ": "JWT", "alg": "HS256", "kid": name}
    signed = f"{base64url(msgspec.json.encode(header))}.{base64url(msgspec.json.encode(claims))}"
    return f"{signed}.{base64url(hmac.digest(secret, signed.encode(), 'sha256'))}"
