"""Public keys that a trust has pinned (RFC 7517): what there may be among them. Whether they are keys is not here."""

from typing import Any

KEYS_MAX = 32

#: What public keys of each type are made of (RFC 7518, section 6; RFC 8037, section 2).
PUBLIC: dict[str, tuple[str, ...]] = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}

#: What only private keys have.
PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})

_TEXT_MAX = 2048


def check_pinned(jwks: dict[str, Any]) -> None:
    """Raises ValueError for anything but a few public keys."""
    keys = jwks.get("keys")
    if not isinstance(keys, list) or not 1 <= len(keys) <= KEYS_MAX:
        raise ValueError(f'jwks is an object with 1 to {KEYS_MAX} public keys in "keys"')
    for key in keys:
        kind = key.get("kty") if isinstance(key, dict) else None
        if not isinstance(kind, str) or kind not in PUBLIC:
            raise ValueError(f"jwks: a key of type {str(kind)[:20]!r} proves nothing; only RSA, EC and OKP keys do")
        if PRIVATE.intersection(key):
            raise ValueError("jwks: a private key has no place here; pin the public one, and make another")
        if not all(isinstance(key.get(part), str) and len(key[part]) <= _TEXT_MAX for part in PUBLIC[kind]):
            raise ValueError(f"jwks: a key of type {kind} needs {', '.join(PUBLIC[kind])}")
