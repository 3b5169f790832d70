"""Whether a key made a signature, by `cryptography`."""

from collections.abc import Callable, Sequence
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

#: Raises InvalidSignature unless the key made the signature, the first one, over the second.
Checks = Callable[[bytes, bytes], None]

#: What the programs that sign take for each curve: cosign 2 always SHA-256, Sigstore's newer ones what has its length.
_HASHES: dict[str, tuple[hashes.HashAlgorithm, ...]] = {
    "secp256r1": (hashes.SHA256(),),
    "secp384r1": (hashes.SHA384(), hashes.SHA256()),
    "secp521r1": (hashes.SHA512(), hashes.SHA256()),
}

#: Bits of an RSA key that is still taken for one.
_RSA_MIN = 2048


def is_signed(key: str, payload: bytes, signature: bytes) -> bool:
    """Whether a signature over a payload is by a key in PEM; what is no such key signed nothing."""
    return made(checks_of(key), [signature], payload)


def checks_of(key: str | bytes) -> tuple[Checks, ...]:
    """The ways in which a public key in PEM, or in DER, may have signed; none for one that cannot be used."""
    loaded = load(key)
    return () if loaded is None else ways(loaded)


def load(key: str | bytes) -> Any:
    """A public key in PEM, or in DER; None for one that cannot be used."""
    try:
        return load_pem_public_key(key.encode()) if isinstance(key, str) else load_der_public_key(key)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def ways(key: Any, *, hashed: bool = False) -> tuple[Checks, ...]:
    """The ways in which a public key may have signed. `hashed`: what was signed is known by its SHA-256 alone."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        return () if hashed else (key.verify,)
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _RSA_MIN:
        with_sha256 = _algorithm(hashes.SHA256(), hashed)
        return (lambda signature, signed: key.verify(signature, signed, padding.PKCS1v15(), with_sha256),)
    if isinstance(key, ec.EllipticCurvePublicKey):
        algorithms = _HASHES.get(key.curve.name, ())
        return tuple(_on_curve(key, each, hashed) for each in algorithms if not hashed or each.name == "sha256")
    return ()


def made(checks: Sequence[Checks], signatures: Sequence[bytes], signed: bytes) -> bool:
    """Whether a key made any of the signatures."""
    return any(holds(check, signature, signed) for check in checks for signature in signatures)


def holds(check: Checks, signature: bytes, signed: bytes) -> bool:
    """Whether a key made a signature in one of its ways."""
    try:
        check(signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def _on_curve(key: ec.EllipticCurvePublicKey, algorithm: hashes.HashAlgorithm, hashed: bool) -> Checks:
    return lambda signature, signed: key.verify(signature, signed, ec.ECDSA(_algorithm(algorithm, hashed)))


def _algorithm(algorithm: hashes.HashAlgorithm, hashed: bool) -> Any:
    return Prehashed(algorithm) if hashed else algorithm
