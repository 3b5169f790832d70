"""`orlop audit verify`: whether the audit log is whole. Reads, repairs nothing; safe beside a live server.

What it proves: every entry from the first that is kept to the last is there, in its place, as it was written, up to the
newest head that a key in question signed; and what is gone went by a retention that the log tells of. A writer of
the catalog *and* sign could write another log, so heads that were noted elsewhere can be held against this one.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum

import msgspec

from orlop.domain.audit import BEGINNING, AuditEntry, Chained, Dropped, Head, Segment, dropped_of, hash_after
from orlop.domain.events import EventKind
from orlop.ports.audit import AuditLog, AuditReader, HeadChecker

#: Entries and heads that one query takes.
_PAGE = 1_000
#: How often it begins anew when retention drops segments meanwhile.
_TRIES = 3


class Flaw(StrEnum):
    """What can be wrong."""

    REMOVED = "removed"
    """Entries are missing between others."""
    ALTERED = "altered"
    """An entry, its hash, or its place is not what the chain says: changed, swapped with another, or put in."""
    TRUNCATED = "truncated"
    """The end is missing: a head, a segment or the cursor tells of later entries."""
    SEGMENT = "segment"
    """A segment is gone, or not what its neighbours say, and no retention tells of it."""
    HEAD = "head"
    """A head is not signed by a known key, or signs another hash than the chain has."""


class Wrong(msgspec.Struct, frozen=True):
    """One thing that is wrong, at the entry `sequence`."""

    flaw: Flaw
    sequence: int
    what: str


class AuditReport(msgspec.Struct):
    """What was looked at so far. `signed` is the last entry that a good head vouches for."""

    entries: int = 0
    segments: int = 0
    dropped: int = 0
    """Segments that retention dropped, and the first entry that is kept."""
    first: int = 0
    last: int = 0
    heads: int = 0
    signed: int = 0
    keys: list[str] = []
    noted: int = 0
    """Heads noted elsewhere that fit this log."""
    unreachable: int = 0
    """Heads noted elsewhere that are about entries which retention dropped."""
    findings: list[Wrong] = []

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


class AuditVerification:
    """Looks at everything once. `noted` are heads that were kept somewhere else."""

    def __init__(self, log: AuditLog, reader: AuditReader, checker: HeadChecker, noted: Sequence[Head] = ()) -> None:
        self._log = log
        self._reader = reader
        self._checker = checker
        self._noted = sorted(noted, key=lambda head: head.sequence)

    async def run(self, progress: Callable[[AuditReport], None] = lambda _: None) -> AuditReport:
        """Verify, telling `progress` now and then. Raises Unavailable."""
        for _ in range(_TRIES):
            segments = await self._reader.segments()
            report = await _Walk(self._log, self._reader, self._checker, segments, self._noted, progress).run()
            if report.is_clean or _dropped(await self._reader.segments()) == _dropped(segments):
                break
        return report


class _Walk:
    """One look at everything."""

    def __init__(
        self,
        log: AuditLog,
        reader: AuditReader,
        checker: HeadChecker,
        segments: tuple[Segment, ...],
        noted: Sequence[Head],
        progress: Callable[[AuditReport], None],
    ) -> None:
        self._log = log
        self._reader = reader
        self._checker = checker
        self._segments = segments
        self._noted = noted
        self._progress = progress
        self._report = AuditReport(findings=[], keys=[])
        self._event = 0
        self._said: Dropped | None = None

    async def run(self) -> AuditReport:
        report = self._report
        position = (await self._log.tail()).position
        heads = await self._heads()
        gone = [segment for segment in self._segments if segment.dropped_at]
        report.segments, report.dropped = len(self._segments), len(gone)
        start = gone[-1] if gone else None
        report.first = start.last + 1 if start else 1
        self._neighbours()
        hashes = await self._entries(start, {head.sequence for head in (*heads, *self._noted)})
        report.last = max(hashes, default=start.last if start else 0)
        if start is not None:
            hashes[start.last] = start.closing
            self._retention(start)
        await self._compare(heads, hashes, gone)
        self._compare_noted(hashes)
        self._end(position)
        if self._event > (await self._log.tail()).position:
            self._wrong(Flaw.ALTERED, report.last, "an entry is of an event that was never read")
        return report

    async def _heads(self) -> list[Head]:
        heads: list[Head] = []
        while found := await self._reader.heads(heads[-1].sequence if heads else 0, _PAGE):
            heads += found
        return heads

    def _neighbours(self) -> None:
        """Whether segments follow one another without a gap, and only the oldest are dropped."""
        before: Segment | None = None
        for segment in self._segments:
            number, first, opening = (before.number, before.last, before.closing) if before else (0, 0, BEGINNING)
            if (segment.number, segment.first, segment.opening) != (number + 1, first + 1, opening):
                self._wrong(Flaw.SEGMENT, segment.first, f"segment {segment.number} does not follow the one before it")
            if segment.dropped_at and before is not None and not before.dropped_at:
                self._wrong(Flaw.SEGMENT, segment.first, f"segment {segment.number} is dropped before an older one")
            before = segment

    async def _entries(self, start: Segment | None, wanted: set[int]) -> dict[int, str]:
        """Walk the chain; the hashes at the entries that are wanted, and at the last."""
        report = self._report
        sequence, previous = (start.last, start.closing) if start else (0, BEGINNING)
        closings = {segment.last: segment for segment in self._segments if not segment.dropped_at}
        hashes: dict[int, str] = {}
        while page := await self._reader.after(sequence, _PAGE):
            for chained in page:
                entry = chained.entry
                if entry.sequence != sequence + 1:
                    self._wrong(Flaw.REMOVED, sequence + 1, f"entries {sequence + 1} to {entry.sequence - 1} are gone")
                elif hash_after(previous, entry) != chained.hash:
                    self._wrong(Flaw.ALTERED, entry.sequence, "the entry does not fit the hash before it and its own")
                self._look(chained, closings)
                sequence, previous = entry.sequence, chained.hash
                if sequence in wanted:
                    hashes[sequence] = previous
            report.entries += len(page)
            self._progress(report)
        if sequence and (start is None or sequence > start.last):
            hashes[sequence] = previous
        return hashes

    def _look(self, chained: Chained, closings: dict[int, Segment]) -> None:
        entry = chained.entry
        if not entry.event:
            self._said = self._told(entry) or self._said
        elif entry.event <= self._event:
            self._wrong(Flaw.ALTERED, entry.sequence, "the event of the entry has an entry before it")
        self._event = max(self._event, entry.event)
        segment = closings.pop(entry.sequence, None)
        if segment is not None and segment.closing != chained.hash:
            self._wrong(Flaw.SEGMENT, entry.sequence, f"segment {segment.number} closes with another hash")

    def _told(self, entry: AuditEntry) -> Dropped | None:
        said = dropped_of(entry.detail) if entry.kind == EventKind.AUDIT_DROPPED else None
        if said is None:
            self._wrong(Flaw.ALTERED, entry.sequence, "the entry is of no event, and tells of no retention")
        return said

    def _retention(self, start: Segment) -> None:
        """What is gone must have gone by a retention that tells of it."""
        said = self._said
        if said is None or (said.through, said.hash) != (start.last, start.closing):
            self._wrong(
                Flaw.SEGMENT, start.last, f"everything up to entry {start.last} is gone, and no retention tells of it"
            )

    async def _compare(self, heads: list[Head], hashes: dict[int, str], gone: list[Segment]) -> None:
        """Whether each head is signed, and signs what the chain has."""
        report = self._report
        closed = {segment.last: segment.closing for segment in gone}
        keys: set[str] = set()
        for head in heads:
            report.heads += 1
            complaint = await self._checker.wrong(head)
            known = closed.get(head.sequence) or hashes.get(head.sequence)
            if complaint:
                self._wrong(Flaw.HEAD, head.sequence, complaint)
            elif head.sequence > report.last:
                self._wrong(Flaw.TRUNCATED, head.sequence, f"a head tells of entry {head.sequence}, which is gone")
            elif head.sequence >= report.first or head.sequence in closed:
                if known is not None and known != head.hash:
                    self._wrong(Flaw.HEAD, head.sequence, "the head signs another hash than the log has")
                elif known is not None:
                    keys.add(head.key)
                    report.signed = max(report.signed, head.sequence)
        report.keys = sorted(keys)
        signed = {head.sequence for head in heads}
        for segment in gone:
            if segment.last not in signed:
                self._wrong(Flaw.SEGMENT, segment.last, f"the closing head of segment {segment.number} is gone")

    def _compare_noted(self, hashes: dict[int, str]) -> None:
        """Whether heads that were kept elsewhere fit: the only proof against somebody who can sign."""
        report = self._report
        for head in self._noted:
            if head.sequence > report.last:
                self._wrong(
                    Flaw.TRUNCATED, head.sequence, f"a noted head tells of entry {head.sequence}, which is gone"
                )
            elif head.sequence not in hashes and head.sequence < report.first:
                report.unreachable += 1
            elif hashes.get(head.sequence) != head.hash:
                self._wrong(Flaw.HEAD, head.sequence, "a noted head has another hash than the log")
            else:
                report.noted += 1

    def _end(self, position: int) -> None:
        """Whether the last segment and the cursor in the outbox tell of entries that are not there."""
        report = self._report
        last = self._segments[-1] if self._segments else None
        if last is not None and last.last > report.last:
            self._wrong(Flaw.TRUNCATED, report.last + 1, f"entries {report.last + 1} to {last.last} are gone")
        elif last is None and report.last:
            self._wrong(Flaw.SEGMENT, report.last, "there are entries, but no segment")
        elif report.last and self._event and self._event < position:
            self._wrong(Flaw.TRUNCATED, report.last + 1, "events were read whose entries are gone")

    def _wrong(self, flaw: Flaw, sequence: int, what: str) -> None:
        self._report.findings.append(Wrong(flaw, sequence, what))


def _dropped(segments: Sequence[Segment]) -> int:
    return sum(bool(segment.dropped_at) for segment in segments)
