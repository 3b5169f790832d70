"""Signs the heads of the audit log with Ed25519, and checks them."""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Collection
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from orlop.domain.audit import Head, signed_bytes
from orlop.domain.errors import Unavailable
from orlop.ports.audit import AuditKey, AuditKeys


class Ed25519Heads:
    """See ports.audit.HeadSigner. The key is that of a file, or without one of the catalog, made when it has none.

    Its public part is kept in the catalog in either case, so that old heads can be checked after the key was changed.
    """

    def __init__(self, keys: AuditKeys, file: Path | None, now: Callable[[], int]) -> None:
        self._keys = keys
        self._file = file
        self._now = now
        self._key: tuple[str, Ed25519PrivateKey] | None = None

    async def sign(self, sequence: int, hash: str, at: int) -> Head:  # noqa: A002
        if self._key is None:
            self._key = await self._loaded()
        name, private = self._key
        signature = b64encode(private.sign(signed_bytes(sequence, hash, at, name))).decode()
        return Head(sequence=sequence, hash=hash, at=at, key=name, signature=signature)

    async def _loaded(self) -> tuple[str, Ed25519PrivateKey]:
        if self._file is not None:
            private = _read(self._file)
            await self._keys.add(_kept(private, self._now(), with_private=False), unless_any=False)
            return fingerprint(private.public_key()), private
        for key in await self._keys.all():
            if key.private:
                return key.id, _private(key.private, "of the catalog")
        made = _kept(Ed25519PrivateKey.generate(), self._now(), with_private=True)
        for key in await self._keys.add(made, unless_any=True):
            if key.private:  # another process may have been faster
                return key.id, _private(key.private, "of the catalog")
        raise Unavailable("the catalog did not keep the key of the audit log")


class Ed25519HeadChecker:
    """See ports.audit.HeadChecker. `trusted`: fingerprints of the only keys that count; none: all that are kept."""

    def __init__(self, keys: AuditKeys, trusted: Collection[str] = ()) -> None:
        self._keys = keys
        self._trusted = frozenset(trusted)
        self._known: dict[str, Ed25519PublicKey] | None = None

    async def wrong(self, head: Head) -> str:
        if self._known is None or head.key not in self._known:
            self._known = dict(filter(None, map(_public, await self._keys.all())))
        if self._trusted and head.key not in self._trusted:
            return f"the head was signed by {head.key}, which is not trusted"
        public = self._known.get(head.key)
        if public is None:
            return f"the key {head.key} that signed the head is not known"
        try:
            public.verify(
                b64decode(head.signature, validate=True),
                signed_bytes(head.sequence, head.hash, head.at, head.key),
            )
        except (InvalidSignature, ValueError):
            return "the signature of the head is not that of its key"
        return ""


def fingerprint(public: Ed25519PublicKey) -> str:
    """`sha256:` and the digest of a public key as SubjectPublicKeyInfo in DER (RFC 5280, section 4.1)."""
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return f"sha256:{hashlib.sha256(der).hexdigest()}"


def _read(file: Path) -> Ed25519PrivateKey:
    try:
        text = file.read_bytes()
    except OSError as cause:
        raise Unavailable(f"the key of the audit log {file} cannot be read: {cause.strerror}") from cause
    return _private(text, str(file))


def _private(pem: bytes, where: str) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as cause:
        raise Unavailable(f"the key of the audit log {where} is not an unencrypted private key in PEM") from cause
    if not isinstance(key, Ed25519PrivateKey):
        raise Unavailable(f"the key of the audit log {where} is not an Ed25519 key")
    return key


def _kept(private: Ed25519PrivateKey, at: int, *, with_private: bool) -> AuditKey:
    public = private.public_key()
    return AuditKey(
        id=fingerprint(public),
        public=public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        private=private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        if with_private
        else b"",
        created_at=at,
    )


def _public(key: AuditKey) -> tuple[str, Ed25519PublicKey] | None:
    """The key and its name, if the name is its fingerprint."""
    try:
        public = serialization.load_pem_public_key(key.public)
    except (ValueError, UnsupportedAlgorithm):
        return None
    if not isinstance(public, Ed25519PublicKey) or fingerprint(public) != key.id:
        return None
    return key.id, public
