"""The audit log as values: entries chained by their hashes, segments of a day, signed heads, and how they are checked.

Each entry's hash is SHA-256 over the hash of the one before it and the entry's canonical bytes, so whoever knows one
hash knows everything before it. A head is such a hash with a signature. Nothing here reads, writes or signs.
"""

import hashlib
from collections.abc import Iterable

import msgspec

from orlop.domain.access.grants import place_in
from orlop.domain.durations import DAY, SECOND
from orlop.domain.events import REFUSALS, Event, EventKind

#: What stands before the first entry: 32 zero bytes, in hex as all hashes here.
BEGINNING = "0" * 64

#: What is signed begins with this, so that no signature over anything else can be taken for one of a head.
_SIGNED = b"orlop audit head 1\n"


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened, or was refused, at its place in the log. Times are microseconds since 1970, UTC."""

    sequence: int
    """1, 2, 3 and so on, without a gap."""
    event: int
    """The outbox event that it was made of; 0: the log's own, about its retention."""
    at: int
    kind: str
    """See domain.events.EventKind; text, because a newer release may have written it."""
    actor: str
    credential: str = ""
    address: str = ""
    request: str = ""
    repository: str = ""
    digest: str = ""
    tag: str = ""
    subject: str = ""
    detail: str = ""
    count: int = 1
    first_at: int = 0

    @property
    def refused(self) -> bool:
        """Whether it did not happen."""
        return self.kind in REFUSALS


class Chained(msgspec.Struct, frozen=True):
    """An entry with its hash."""

    entry: AuditEntry
    hash: str


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """The entries that were appended on one day: what retention drops as a whole. The last one is open."""

    number: int
    day: str
    """Of its first append, as `2026-11-25`, UTC."""
    first: int
    """Its entries are those from `first` to `last`."""
    last: int
    opening: str
    """The hash before its first entry."""
    closing: str
    """The hash of its last entry."""
    from_at: int
    """The earliest and the latest time that its entries tell of; their order is that of commits."""
    until_at: int
    appended_at: int
    """When its last entry was appended."""
    dropped_at: int = 0
    """When retention dropped its entries; 0: they are there."""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the log at an entry, signed."""

    sequence: int
    hash: str
    at: int
    key: str
    """The fingerprint of the public key: `sha256:` and the digest of its DER form."""
    signature: str
    """Ed25519 (RFC 8032), in base64, over `signed_bytes`."""


def entry_of(event: Event, sequence: int) -> AuditEntry:
    """The entry that an event becomes."""
    return AuditEntry(
        sequence=sequence,
        event=event.id,
        at=event.at,
        kind=event.kind.value,
        actor=event.actor,
        credential=event.origin.credential,
        address=event.origin.address,
        request=event.origin.request,
        repository=event.repository,
        digest=event.digest,
        tag=event.tag,
        subject=event.subject,
        detail=event.detail,
        count=event.count,
        first_at=event.first_at,
    )


def canonical(value: msgspec.Struct) -> bytes:
    """JSON in UTF-8 with its keys in order and no space, as RFC 8785 has it: what hashes and signatures are over."""
    return msgspec.json.encode(value, order="sorted")


def hash_after(previous: str, entry: AuditEntry) -> str:
    """The hash of an entry behind one with the hash `previous`."""
    return hashlib.sha256(bytes.fromhex(previous) + canonical(entry)).hexdigest()


def chained(previous: str, entries: Iterable[AuditEntry]) -> tuple[Chained, ...]:
    """Entries with their hashes."""
    done = []
    for entry in entries:
        previous = hash_after(previous, entry)
        done.append(Chained(entry, previous))
    return tuple(done)


class _Signed(msgspec.Struct):
    sequence: int
    hash: str
    at: int
    key: str


def signed_bytes(sequence: int, hash: str, at: int, key: str) -> bytes:  # noqa: A002 - it is one
    """What the signature of a head is over."""
    return _SIGNED + canonical(_Signed(sequence, hash, at, key))


def extended(segment: Segment, entries: tuple[Chained, ...], at: int) -> Segment:
    """A segment with more entries behind its last."""
    return msgspec.structs.replace(
        segment,
        last=entries[-1].entry.sequence,
        closing=entries[-1].hash,
        from_at=min(segment.from_at, *(each.entry.at for each in entries)),
        until_at=max(segment.until_at, *(each.entry.at for each in entries)),
        appended_at=at,
    )


def begun(number: int, opening: str, entries: tuple[Chained, ...], at: int) -> Segment:
    """A new segment that holds these entries."""
    times = [each.entry.at for each in entries]
    return Segment(
        number=number,
        day=day_of(at),
        first=entries[0].entry.sequence,
        last=entries[-1].entry.sequence,
        opening=opening,
        closing=entries[-1].hash,
        from_at=min(times),
        until_at=max(times),
        appended_at=at,
    )


def day_of(at: int) -> str:
    """The day of a time in UTC, as `2026-11-25` (proleptic Gregorian; days from civil, by Howard Hinnant)."""
    shifted = at // DAY + 719_468
    era, of_era = divmod(shifted, 146_097)
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    shifted_month = (5 * of_year + 2) // 153
    day = of_year - (153 * shifted_month + 2) // 5 + 1
    month = shifted_month + 3 if shifted_month < 10 else shifted_month - 9
    return f"{year + era * 400 + (month <= 2):04d}-{month:02d}-{day:02d}"


def timestamp(at: int) -> str:
    """A time as RFC 3339 writes it, with microseconds, in UTC."""
    seconds, fraction = divmod(at, SECOND)
    of_day = seconds % 86_400
    return f"{day_of(at)}T{of_day // 3600:02d}:{of_day // 60 % 60:02d}:{of_day % 60:02d}.{fraction:06d}Z"


def places(entry: AuditEntry) -> tuple[str, ...]:
    """The repository or namespace that an entry is about, and every namespace above it: whose owners may see it."""
    path = entry.repository or _place_of(entry)
    found = []
    while path:
        found.append(path)
        path = path.rpartition("/")[0]
    return tuple(found)


def _place_of(entry: AuditEntry) -> str:
    """The namespace, or pattern of repositories, that an entry without a repository is about; empty for none. Grants of
    earlier releases leave it to their words."""
    if entry.kind in _OF_NAMESPACES:
        return entry.subject
    return place_in(entry.detail) if entry.kind in _OF_GRANTS else ""


_OF_NAMESPACES = frozenset({EventKind.NAMESPACE_CHANGED, EventKind.NAMESPACE_DELETED})
_OF_GRANTS = frozenset({EventKind.GRANT_ADDED, EventKind.GRANT_REMOVED})


class Dropped(msgspec.Struct, frozen=True):
    """What retention says of itself, as the `detail` of its entry: from here on the log is kept."""

    through: int
    """The last entry that is gone."""
    hash: str
    """Its hash."""
    first: str
    """The days of the first and the last segment that went."""
    last: str
    keep: str
    """The setting, as it is written."""

    def text(self) -> str:
        """As JSON."""
        return canonical(self).decode()


def dropped_of(detail: str) -> Dropped | None:
    """What the entry of a retention says; None when it says nothing of the kind."""
    try:
        return msgspec.json.decode(detail, type=Dropped)
    except (msgspec.DecodeError, RecursionError):
        return None
