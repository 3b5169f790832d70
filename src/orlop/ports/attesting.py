"""What the registry attests: its keys, what signs with them, and what waits to be said of images."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName
from orlop.ports.by import By
from orlop.ports.following import Follower
from orlop.ports.jobs import Lease

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


class WantedStatement(msgspec.Struct, frozen=True):
    """Something that the registry is to say of a manifest. `predicate`: JSON, which is signed as it is."""

    repository: RepositoryName
    digest: Digest
    predicate_type: str
    predicate: bytes


class WaitingStatement(msgspec.Struct, frozen=True):
    """One that waits. `key` and `signature` are empty until it is signed, and stay as they are from then on: whatever
    happens, there is one signature, by one key. `tries`: how often attaching it was refused."""

    id: int
    wanted: WantedStatement
    key: str
    signature: bytes
    tries: int


class StatementBacklog(msgspec.Struct, frozen=True):
    """What waits to be signed or attached. `oldest_at`: since when the first one waits, in microseconds since 1970; 0:
    nothing waits. `error`: why that one is not attached yet, as far as it was tried."""

    waiting: int = 0
    oldest_at: int = 0
    error: str = ""


class Statements(Protocol):
    """What waits to be said by the registry, as all replicas know it."""

    async def wait(
        self, wanted: Sequence[WantedStatement], now: int, follower: Follower, before: int, after: int, lease: Lease
    ) -> None:
        """These are to be signed, and the follower goes on: both or nothing. Raises Stale."""

    async def due(self, now: int, limit: int) -> tuple[WaitingStatement, ...]:
        """The first of those whose time has come, the oldest first."""
        ...

    async def sign(self, statement: WaitingStatement, key: str, signature: bytes) -> WaitingStatement | None:
        """Keep a signature of the key that signs; the statement with the one that counts, which is that of whoever came
        first: none, where the key signs no more. None: it does not wait any more."""
        ...

    async def later(self, statement: WaitingStatement, due_at: int, error: str, *, refused: bool) -> None:
        """It is tried again then. `refused`: that counts as a try."""

    async def attached(self, statement: WaitingStatement, by: By) -> bool:
        """It is attached, which is an event; False where it waited no more."""
        ...

    async def give_up(self, statement: WaitingStatement, why: str, by: By) -> bool:
        """It is not said, which is an event; False where it waited no more."""
        ...

    async def backlog(self) -> StatementBacklog:
        """How much waits."""
        ...
