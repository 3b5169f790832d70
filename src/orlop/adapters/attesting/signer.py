"""Signs with a key of the catalog, or has a command sign that asks a key service."""

import asyncio
import hashlib
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from orlop.adapters.attesting.command import SigningCommand
from orlop.domain.errors import Unavailable
from orlop.ports.attesting import AttestationKey

#: Bytes of a file with a public key.
_PUBLIC_MAX = 16 * 1024


class CatalogOrCommandSigner:
    """See ports.attesting.StatementSigner. Keys are ECDSA on P-256, as those of cosign are, and so are a command's.

    `command`: signs with the key whose public part is in the file `public`, for keys without a private part.
    """

    def __init__(self, command: SigningCommand | None = None, public: Path | None = None) -> None:
        self._command = command
        self._public = public

    async def generate(self, now: int) -> AttestationKey:
        if self._command is None or self._public is None:
            return await asyncio.to_thread(_generated, now)
        return await asyncio.to_thread(_read, self._public, now)

    async def sign(self, key: AttestationKey, payload: bytes) -> bytes:
        if key.private:
            signature = await asyncio.to_thread(_signed, key.private, payload)
        elif self._command is None:
            raise Unavailable(f"the key {key.id} is that of a command, and signing.command is not set")
        else:
            signature = await self._command.sign(payload)
        if not await asyncio.to_thread(_is_signed, key.public, payload, signature):
            raise Unavailable(f"what signs for the registry does not sign with the key {key.id}")
        return signature


def _generated(now: int) -> AttestationKey:
    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return _of(private.public_key(), pem, now)


def _read(path: Path, now: int) -> AttestationKey:
    try:
        with path.open("rb") as file:
            public = load_pem_public_key(file.read(_PUBLIC_MAX))
    except OSError as cause:
        raise Unavailable(f"the public key {path} cannot be read: {cause.strerror}") from cause
    except (ValueError, UnsupportedAlgorithm) as cause:
        raise Unavailable(f"{path} holds no public key in PEM") from cause
    if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
        raise Unavailable(f"the public key {path} is not one of ECDSA on P-256")
    return _of(public, b"", now)


def _of(public: ec.EllipticCurvePublicKey, private: bytes, now: int) -> AttestationKey:
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return AttestationKey(f"sha256:{hashlib.sha256(der).hexdigest()}", pem, private, now)


def _signed(pem: bytes, payload: bytes) -> bytes:
    """The same signature for the same payload (RFC 6979), so that what is attested again is the same artifact."""
    private = load_pem_private_key(pem, None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    return private.sign(payload, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))


def _is_signed(pem: bytes, payload: bytes, signature: bytes) -> bool:
    public = load_pem_public_key(pem)
    assert isinstance(public, ec.EllipticCurvePublicKey)
    try:
        public.verify(signature, payload, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True
