"""What the registry attests: its keys, what signs with them, and whoever lets it say something of an image."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName
from orlop.ports.by import By

#: So many keys are told of.
KEYS_MAX = 100


class AttestationKey(msgspec.Struct, frozen=True):
    """A key that the registry signs statements with from `created_at` until `retired_at`, in microseconds since 1970;
    0: it signs now. Never shown when printed."""

    id: str
    """`sha256:` and the digest of the public key as SubjectPublicKeyInfo in DER (RFC 5280, section 4.1)."""
    public: bytes
    """PEM."""
    private: bytes
    """PKCS #8, PEM; empty when a command signs, and once it is retired."""
    created_at: int
    retired_at: int = 0

    def __repr__(self) -> str:
        return f"AttestationKey({self.id!r}, …)"


class AttestationKeys(Protocol):
    """The keys of all replicas. The private part of one goes when it is retired."""

    async def public(self) -> tuple[AttestationKey, ...]:
        """The newest of them, KEYS_MAX at most, newest first, without private parts. Raises Unavailable."""
        ...

    async def current(self) -> AttestationKey | None:
        """The one that signs, with its private part. Raises Unavailable."""
        ...

    async def replace(self, current: str, key: AttestationKey | None, by: By) -> None:
        """Retire the one that signs, `current` (empty: none does), and have `key` sign; None: none signs any more.

        Raises Stale when another one signs by now, Conflict when `key` has been one before.
        """


class StatementSigner(Protocol):
    """Signs, wherever the private key is."""

    async def generate(self, now: int) -> AttestationKey:
        """A new key that signs from now on: one of the catalog, or the one of the command that is set. Raises
        Unavailable when that one's public key cannot be read."""
        ...

    async def sign(self, key: AttestationKey, payload: bytes) -> bytes:
        """The signature over a payload, which has been checked. Raises Unavailable, with the reason."""
        ...


class Attester(Protocol):
    """Says something of an image in the name of the registry."""

    async def attest(
        self,
        repository: RepositoryName,
        digest: Digest,
        predicate_type: str,
        predicate: Mapping[str, Any],
    ) -> Digest | None:
        """Sign that a predicate holds of a manifest, and attach that to it as `cosign attest` does; the digest of the
        referrer. None: nothing is signed, since no key is set up.

        What was attested in the same words with the same key is not attested again. Raises ManifestUnknown, Unavailable
        when the key cannot sign, and what refuses a push, such as a full quota.
        """
        ...
