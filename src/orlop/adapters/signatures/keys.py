"""Whether a key made a signature, by `cryptography`."""

from collections.abc import Callable, Sequence

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

#: Raises InvalidSignature unless the key made the signature, the first one, over the second.
Checks = Callable[[bytes, bytes], None]

#: What the programs that sign take for each curve: cosign 2 always SHA-256, Sigstore's newer ones what has its length.
_HASHES: dict[str, tuple[hashes.HashAlgorithm, ...]] = {
    "secp256r1": (hashes.SHA256(),),
    "secp384r1": (hashes.SHA384(), hashes.SHA256()),
    "secp521r1": (hashes.SHA512(), hashes.SHA256()),
}


def checks_of(key: str) -> tuple[Checks, ...]:
    """The ways in which a public key in PEM may have signed; none for one that cannot be used."""
    try:
        loaded = load_pem_public_key(key.encode())
    except (ValueError, UnsupportedAlgorithm):
        return ()
    if isinstance(loaded, ed25519.Ed25519PublicKey):
        return (loaded.verify,)
    if isinstance(loaded, rsa.RSAPublicKey):
        return (lambda signature, signed: loaded.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256()),)
    if isinstance(loaded, ec.EllipticCurvePublicKey):
        return tuple(_on_curve(loaded, each) for each in _HASHES.get(loaded.curve.name, ()))
    return ()


def made(checks: Sequence[Checks], signatures: Sequence[bytes], signed: bytes) -> bool:
    """Whether a key made any of the signatures."""
    return any(_holds(check, signature, signed) for check in checks for signature in signatures)


def _holds(check: Checks, signature: bytes, signed: bytes) -> bool:
    try:
        check(signature, signed)
    except InvalidSignature:
        return False
    return True


def _on_curve(key: ec.EllipticCurvePublicKey, algorithm: hashes.HashAlgorithm) -> Checks:
    return lambda signature, signed: key.verify(signature, signed, ec.ECDSA(algorithm))
