"""Writes the audit log: reads the outbox, appends entries, signs heads, and drops what has been kept long enough.

One process at a time does so, under a lease; each append is one transaction that also moves the cursor in the outbox,
so a kill anywhere loses nothing and writes nothing twice.
"""

import asyncio

import msgspec
import structlog

from orlop.domain.audit import BEGINNING, AuditEntry, Dropped, Head, Segment, begun, chained, day_of, entry_of, extended
from orlop.domain.errors import Unavailable
from orlop.domain.events import EventKind
from orlop.ports.audit import AUDIT, AuditLog, AuditReader, Batch, HeadSigner, Readers, Tail
from orlop.ports.catalog import Outbox
from orlop.ports.clock import SECOND, Clock
from orlop.ports.jobs import Lease

_log = structlog.get_logger("orlop.audit")

#: The job whose lease its writer holds.
JOB = "audit"

#: Entries of one transaction, which hold up requests for a few milliseconds, and transactions of one step.
_TOGETHER, _TRANSACTIONS = 100, 50
#: The longest pause between two of them, in microseconds, whatever the clock did meanwhile.
_LONGEST_PAUSE = SECOND
#: A head is signed when so many entries are behind the last one, or any are and it is so old, in microseconds.
HEAD_ENTRIES, HEAD_EVERY = 1_000, 60 * SECOND
#: How often it is looked whether something can go, in microseconds; entries and events that go in one transaction.
_TIDY_EVERY, _GO_TOGETHER = 60 * SECOND, 2_000
#: Events that stay in the outbox after everybody has read them: for those who look into what went wrong.
_EVENTS_KEPT = 10_000


class Keep(msgspec.Struct, frozen=True):
    """How long segments are kept after their last entry, in microseconds, and as the setting writes it; 0: for ever."""

    age: int = 0
    text: str = ""


class AuditWriter:
    """See the module. `step` and `tidy` are for the holder of a lease on JOB alone."""

    def __init__(
        self,
        outbox: Outbox,
        log: AuditLog,
        reader: AuditReader,
        readers: Readers,
        signer: HeadSigner,
        clock: Clock,
        keep: Keep,
    ) -> None:
        self._outbox = outbox
        self._audit = log
        self._reader = reader
        self._readers = readers
        self._signer = signer
        self._clock = clock
        self._keep = keep
        self._tidied: int | None = None

    async def step(self, lease: Lease) -> int:
        """Append what happened, and tidy up now and then; how many entries. Raises Stale, Unavailable."""
        done = 0
        for _ in range(_TRANSACTIONS):
            began = self._clock.now()
            appended = await self._append(lease)
            done += appended
            if appended < _TOGETHER:
                break
            # Behind, as after a move or an upgrade: to catch up takes half of a core's time at most.
            await asyncio.sleep(min(max(0, self._clock.now() - began), _LONGEST_PAUSE) / SECOND)
        now = self._clock.now()
        if self._tidied is None or not 0 <= now - self._tidied < _TIDY_EVERY:
            await self.tidy(lease)
            self._tidied = now
        return done

    async def tidy(self, lease: Lease) -> None:
        """Drop segments that were kept long enough, and remove what is not needed any more. Raises Stale."""
        await self._drop(lease)
        while await self._reader_swept():
            continue
        await self._readers.register(AUDIT)
        while await self._readers.trim(keep=_EVENTS_KEPT, limit=_GO_TOGETHER) == _GO_TOGETHER:
            continue

    async def _reader_swept(self) -> bool:
        return await self._audit.sweep(_GO_TOGETHER) == _GO_TOGETHER

    async def _append(self, lease: Lease) -> int:
        tail = await self._audit.tail()
        now = self._clock.now()
        events = await self._outbox.events(tail.position, _TOGETHER)
        first = tail.segment.last + 1 if tail.segment else 1
        entries = [entry_of(event, first + place) for place, event in enumerate(events)]
        batch = await self._batch(tail, entries, events[-1].id if events else tail.position, now)
        if batch.entries or batch.heads:
            await self._audit.append(batch, lease)
        return len(entries)

    async def _batch(self, tail: Tail, entries: list[AuditEntry], position: int, now: int) -> Batch:
        """What entries make of a tail, with the heads that are due."""
        before, heads = tail.segment, []
        signed = tail.head
        if not entries:
            if before is not None and _is_due(before, signed, now):
                heads = await self._heads(before, now)
            return Batch(tail, position, heads=tuple(heads))
        links = chained(before.closing if before else BEGINNING, entries)
        if before is None:
            segment = begun(1, BEGINNING, links, now)
        elif before.day == day_of(now):
            segment = extended(before, links, now)
        else:
            if signed is None or signed.sequence < before.last:
                heads += await self._heads(before, now)
            segment = begun(before.number + 1, before.closing, links, now)
        if _is_due(segment, heads[-1] if heads else signed, now):
            heads += await self._heads(segment, now)
        return Batch(tail, position, links, segment, tuple(heads))

    async def _heads(self, segment: Segment, now: int) -> list[Head]:
        """The head at the end of a segment; none when there is no key, of which the log then says why."""
        try:
            return [await self._signer.sign(segment.last, segment.closing, now)]
        except Unavailable as failure:
            _log.error("the head of the audit log is not signed", reason=failure.message)
            return []

    async def _drop(self, lease: Lease) -> None:
        if not self._keep.age:
            return
        now = self._clock.now()
        segments = await self._reader.segments()
        kept = [segment for segment in segments if not segment.dropped_at]
        old: list[Segment] = []
        for segment in kept[:-1]:
            if segment.appended_at >= now - self._keep.age:
                break
            old.append(segment)
        if not old:
            return
        closing = []
        for segment in old:
            found = await self._reader.heads(segment.last - 1, 1)
            if not found or found[0].sequence != segment.last:
                closing.append(await self._signer.sign(segment.last, segment.closing, now))
        tail = await self._audit.tail()
        assert tail.segment is not None
        said = Dropped(old[-1].last, old[-1].closing, old[0].day, old[-1].day, self._keep.text).text()
        entry = AuditEntry(
            sequence=tail.segment.last + 1,
            event=0,
            at=now,
            kind=EventKind.AUDIT_DROPPED.value,
            actor="orlop",
            detail=said,
        )
        batch = await self._batch(tail, [entry], tail.position, now)
        batch = msgspec.structs.replace(batch, heads=(*closing, *batch.heads))
        await self._audit.drop(old[-1].number, now, batch, lease)
        _log.info("the audit log is shorter", segments=len(old), through=old[-1].last)


def _is_due(segment: Segment, signed: Head | None, now: int) -> bool:
    """Whether the end of a segment is to be signed."""
    sequence, at = (signed.sequence, signed.at) if signed else (0, 0)
    behind = segment.last - sequence
    return behind >= HEAD_ENTRIES or (behind > 0 and not 0 <= now - at < HEAD_EVERY)
