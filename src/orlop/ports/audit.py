"""What the audit log needs of a catalog, of a signer, and of those it is forwarded to."""

from collections.abc import Sequence
from enum import Enum
from typing import Protocol

import msgspec

from orlop.domain.audit import Chained, Head, Segment
from orlop.domain.events import Event
from orlop.ports.jobs import Lease


class EventWriter(Protocol):
    """Writes to the outbox what happened without changing anything: refusals and pulls."""

    async def write(self, events: Sequence[Event]) -> None:
        """All of them or none; their ids are given here. What others remember stays valid."""


# --- Readers of the outbox ------------------------------------------------------------------------------------------


class Readers(Protocol):
    """Who reads the outbox and how far they came, so that what all have read can go."""

    async def register(self, name: str) -> int:
        """Where a reader stands; a new one stands at the beginning, and nothing goes before it has read it."""
        ...

    async def forget(self, name: str) -> None:
        """Nobody reads under this name any more."""

    async def trim(self, *, keep: int, limit: int) -> int:
        """Remove up to `limit` of the oldest events that every reader has read; how many went.

        The newest `keep` stay, one at least. Removes nothing while nobody is registered.
        """
        ...


#: The reader of the outbox that is the audit log itself.
AUDIT = "audit"


# --- Writing the log ------------------------------------------------------------------------------------------------


class Tail(msgspec.Struct, frozen=True):
    """Where the log ends, and how far it has read the outbox."""

    position: int
    """The id of the last event that became an entry."""
    segment: Segment | None
    """The open segment; None while nothing was ever appended."""
    head: Head | None
    """The newest head."""


class Batch(msgspec.Struct, frozen=True):
    """What one transaction appends behind a tail, and the tail that it leaves."""

    after: Tail
    """The tail that it was made for."""
    position: int
    entries: tuple[Chained, ...] = ()
    segment: Segment | None = None
    """The segment that holds the entries, as it is with them: that of the tail, or a new one."""
    heads: tuple[Head, ...] = ()


class AuditLog(Protocol):
    """The end of the log, where one process at a time appends: the one that holds the lease."""

    async def tail(self) -> Tail:
        """Where it ends now."""
        ...

    async def append(self, batch: Batch, lease: Lease) -> None:
        """In one durable transaction. Raises Stale when the tail is not the batch's any more, or the lease is lost."""

    async def drop(self, through: int, at: int, batch: Batch, lease: Lease) -> None:
        """Mark the segments up to number `through` dropped, together with the batch that says so; as `append`.

        Their entries are gone for readers at once; `sweep` removes them.
        """

    async def sweep(self, limit: int) -> int:
        """Remove up to `limit` entries of segments that were dropped, with the heads that close none; how many."""
        ...


# --- Reading it -----------------------------------------------------------------------------------------------------


class Filter(Enum):
    """What entries can be found by without looking at others."""

    ACTOR = "actor"
    KIND = "kind"
    PLACE = "place"
    """The repository or a namespace that it is about; see domain.audit.places."""
    SUBJECT = "subject"
    ADDRESS = "address"
    REFUSED = "refused"
    """Of any value: those that were refused."""


class AuditReader(Protocol):
    """The log, as far as it is kept. Entries come up to a limit, or as many of these as a page may hold."""

    async def after(self, sequence: int, limit: int) -> tuple[Chained, ...]:
        """The entries behind one, oldest first."""
        ...

    async def before(
        self, sequence: int, limit: int, *, by: tuple[Filter, str] | None = None, least: int = 0
    ) -> tuple[Chained, ...]:
        """The entries before one and from `least` on, newest first; only those that a filter finds, if one is given."""
        ...

    async def segments(self) -> tuple[Segment, ...]:
        """All that ever were, oldest first."""
        ...

    async def heads(self, after: int, limit: int) -> tuple[Head, ...]:
        """Heads behind an entry, oldest first."""
        ...


# --- Signing --------------------------------------------------------------------------------------------------------


class AuditKey(msgspec.Struct, frozen=True):
    """A key that signs heads. `private` is empty where it is kept outside of the catalog."""

    id: str
    """Its fingerprint; see domain.audit.Head."""
    public: bytes
    """SubjectPublicKeyInfo, PEM."""
    private: bytes
    """PKCS #8, PEM."""
    created_at: int


class AuditKeys(Protocol):
    """The keys that ever signed heads, so that old heads can be checked."""

    async def all(self) -> tuple[AuditKey, ...]:
        """Oldest first."""
        ...

    async def add(self, key: AuditKey, *, unless_any: bool) -> tuple[AuditKey, ...]:
        """Add one unless it is there, or with `unless_any` any with a private part is; all of them."""
        ...


class HeadSigner(Protocol):
    """Makes heads."""

    async def sign(self, sequence: int, hash: str, at: int) -> Head:  # noqa: A002
        """Raises Unavailable when there is no key to sign with."""
        ...


class HeadChecker(Protocol):
    """Checks heads against the keys that are known."""

    async def wrong(self, head: Head) -> str:
        """What is wrong with a head; empty when it was signed by a known key."""
        ...


# --- Forwarding -----------------------------------------------------------------------------------------------------


class AuditSink(Protocol):
    """Somebody else who keeps the log."""

    async def send(self, entries: Sequence[Chained], heads: Sequence[Head]) -> None:
        """Returns when they have it all, as far as their protocol tells. Raises Unavailable; then it is sent again."""

    async def close(self) -> None:
        """Let go of connections."""


class AuditStore(msgspec.Struct, frozen=True):
    """Every role of the audit log on one catalog."""

    writer: EventWriter
    readers: Readers
    log: AuditLog
    reader: AuditReader
    keys: AuditKeys
