"""Signatures by public keys, as cosign makes them with a key: ECDSA and RSA over SHA-256, and Ed25519."""

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

#: Bits of an RSA key that is still taken for one.
_RSA = 2048


def is_signed(key: str, payload: bytes, signature: bytes) -> bool:
    """Whether a signature over a payload is by a key in PEM; what is no such key signed nothing."""
    try:
        public = load_pem_public_key(key.encode())
        if isinstance(public, EllipticCurvePublicKey):
            public.verify(signature, payload, ECDSA(SHA256()))
        elif isinstance(public, Ed25519PublicKey):
            public.verify(signature, payload)
        elif isinstance(public, RSAPublicKey) and public.key_size >= _RSA:
            public.verify(signature, payload, PKCS1v15(), SHA256())
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
