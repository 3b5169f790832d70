"""The audit log in memory."""

from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

import msgspec

from orlop.adapters.memory.leases import MemoryLeases
from orlop.adapters.memory.state import State
from orlop.domain.audit import Chained, Head, Segment, places
from orlop.domain.errors import Stale
from orlop.domain.events import Event
from orlop.domain.pages import fitting, weight
from orlop.ports.audit import AUDIT, AuditKey, AuditStore, Batch, Filter, Tail
from orlop.ports.jobs import Lease


@dataclass(slots=True)
class AuditState:
    """Its rows, in the order of their keys; for tests that damage it."""

    entries: list[Chained] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)
    keys: list[AuditKey] = field(default_factory=list)
    readers: dict[str, int] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)


class MemoryEventWriter:
    """See ports.audit.EventWriter."""

    def __init__(self, state: State) -> None:
        self._outbox = state.outbox

    async def write(self, events: Sequence[Event]) -> None:
        for event in events:
            number = self._outbox[-1].id + 1 if self._outbox else 1
            # Plain text, as every catalog gives it back.
            names = (str(event.repository), str(event.digest), str(event.tag))
            self._outbox.append(
                msgspec.structs.replace(event, id=number, repository=names[0], digest=names[1], tag=names[2])
            )


class MemoryReaders:
    """See ports.audit.Readers."""

    def __init__(self, state: State, audit: AuditState) -> None:
        self._outbox = state.outbox
        self._audit = audit

    async def register(self, name: str) -> int:
        return self._audit.readers.setdefault(name, 0)

    async def forget(self, name: str) -> None:
        self._audit.readers.pop(name, None)

    async def trim(self, *, keep: int, limit: int) -> int:
        if not self._audit.readers:
            return 0
        read = bisect_right(self._outbox, min(self._audit.readers.values()), key=lambda event: event.id)
        goes = max(0, min(read, len(self._outbox) - max(keep, 1), limit))
        del self._outbox[:goes]
        return goes


class MemoryAuditLog:
    """See ports.audit.AuditLog, AuditReader, AuditKeys and Positions."""

    def __init__(self, audit: AuditState, leases: MemoryLeases) -> None:
        self._audit = audit
        self._leases = leases

    async def tail(self) -> Tail:
        return self._tail()

    async def append(self, batch: Batch, lease: Lease) -> None:
        self._append(batch, lease)

    async def drop(self, through: int, at: int, batch: Batch, lease: Lease) -> None:
        self._append(batch, lease)
        self._audit.segments[:] = [
            msgspec.structs.replace(each, dropped_at=at) if each.number <= through and not each.dropped_at else each
            for each in self._audit.segments
        ]

    async def sweep(self, limit: int) -> int:
        last = self._dropped()
        goes = min(limit, bisect_right(self._audit.entries, last, key=_sequence))
        gone = self._audit.entries[goes - 1].entry.sequence if goes else 0
        del self._audit.entries[:goes]
        closing = {segment.last for segment in self._audit.segments}
        self._audit.heads[:] = [each for each in self._audit.heads if each.sequence > gone or each.sequence in closing]
        return goes

    async def after(self, sequence: int, limit: int) -> tuple[Chained, ...]:
        start = bisect_right(self._audit.entries, max(sequence, self._dropped()), key=_sequence)
        return _fitting(self._audit.entries[start : start + limit])

    async def before(
        self, sequence: int, limit: int, *, by: tuple[Filter, str] | None = None, least: int = 0
    ) -> tuple[Chained, ...]:
        least = max(least, self._dropped() + 1)
        found = (
            each
            for each in reversed(self._audit.entries)
            if least <= each.entry.sequence < sequence and (by is None or _found(each, *by))
        )
        return _fitting(islice(found, limit))

    async def segments(self) -> tuple[Segment, ...]:
        return tuple(self._audit.segments)

    async def heads(self, after: int, limit: int) -> tuple[Head, ...]:
        start = bisect_right(self._audit.heads, after, key=lambda head: head.sequence)
        return tuple(self._audit.heads[start : start + limit])

    async def all(self) -> tuple[AuditKey, ...]:
        return tuple(self._audit.keys)

    async def add(self, key: AuditKey, *, unless_any: bool) -> tuple[AuditKey, ...]:
        known = {each.id for each in self._audit.keys}
        if key.id not in known and not (unless_any and any(each.private for each in self._audit.keys)):
            self._audit.keys.append(key)
        return tuple(self._audit.keys)

    async def position(self, name: str) -> int:
        return self._audit.positions.get(name, 0)

    async def advance(self, name: str, position: int, lease: Lease) -> None:
        self._hold(lease)
        self._audit.positions[name] = position

    def _tail(self) -> Tail:
        audit = self._audit
        return Tail(
            audit.readers.get(AUDIT, 0),
            audit.segments[-1] if audit.segments else None,
            audit.heads[-1] if audit.heads else None,
        )

    def _append(self, batch: Batch, lease: Lease) -> None:
        self._hold(lease)
        if self._tail() != batch.after:
            raise Stale("somebody else appended to the audit log")
        if batch.segment is not None:
            self._audit.segments[batch.segment.number - 1 :] = [batch.segment]
        self._audit.entries += batch.entries
        for head in batch.heads:
            insort(self._audit.heads, head, key=lambda each: each.sequence)
        self._audit.readers[AUDIT] = batch.position

    def _hold(self, lease: Lease) -> None:
        if not self._leases.holds(lease):
            raise Stale(f"the lease of {lease.job} was lost")

    def _dropped(self) -> int:
        return max((each.last for each in self._audit.segments if each.dropped_at), default=0)


def audit_in(state: State, leases: MemoryLeases, audit: AuditState) -> AuditStore:
    """Every role."""
    log = MemoryAuditLog(audit, leases)
    return AuditStore(MemoryEventWriter(state), MemoryReaders(state, audit), log, log, log, log)


def _fitting(found: Iterable[Chained]) -> tuple[Chained, ...]:
    read = tuple(found)
    return read[: fitting(map(weight, read))]


def _sequence(chained: Chained) -> int:
    return chained.entry.sequence


def _found(chained: Chained, by: Filter, value: str) -> bool:
    match by:
        case Filter.REFUSED:
            return chained.entry.refused
        case Filter.PLACE:
            return value in places(chained.entry)
        case _:
            return bool(getattr(chained.entry, by.value) == value)
